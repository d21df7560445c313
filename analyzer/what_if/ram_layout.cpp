#include "analyzer/what_if/ram_layout.h"

#include <algorithm>
#include <numeric>

namespace migscope::analyzer {
namespace {

// When the block of this name is made, in a pc machine's start: the memory, the
// firmware, the devices in their order, and at the end the tables for it.
int rank(const std::string& name) {
  if (name == "pc.bios")
    return 1;
  if (name == "pc.rom")
    return 2;
  if (name.starts_with("/rom@"))
    return 4;
  bool device = name.find('/') != name.npos || name == "vga.vram";
  return device ? 3 : 0;
}

} // namespace

std::vector<uint64_t> ram_addresses(std::span<const captures::RamBlock> blocks,
                                    uint32_t page_size) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(
      order, {}, [&](size_t index) { return rank(blocks[index].name); });
  std::vector<uint64_t> out(blocks.size());
  const uint64_t alignment = 64ull * page_size;
  uint64_t next = 0;
  for (size_t index : order) {
    out[index] = next;
    next += (blocks[index].used_length + alignment - 1) / alignment * alignment;
  }
  return out;
}

} // namespace migscope::analyzer
