#include "analyzer/memory/guest_layout.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {

using captures::RamBlock;

namespace {

constexpr uint64_t kMiB = 1u << 20, kGiB = 1u << 30;
constexpr uint64_t k4GiB = 4 * kGiB;
constexpr uint64_t kTiB = 1024 * kGiB;
// Guests end below: x86's physical addresses.
constexpr uint64_t kEnd = 1ull << 52;
// With an AMD processor QEMU 7.1 on moves RAM above 4 GiB to 1 TiB where
// anything would lie here or above (pc_set_amd_above_4g_mem_start).
constexpr uint64_t kAmdHole = 1012 * kGiB;
// The most that QEMU reserves behind RAM by default, for 64-bit PCI (q35).
constexpr uint64_t kPciHole = 32 * kGiB;

enum class Family { unknown, i440fx, q35, microvm };

Family family_of(const std::string& machine) {
  if (machine.starts_with("pc-i440fx"))
    return Family::i440fx;
  if (machine.starts_with("pc-q35"))
    return Family::q35;
  return machine == "microvm" ? Family::microvm : Family::unknown;
}

// RAM below 4 GiB by the machine type's rule, its options left at default.
std::optional<uint64_t> below_by_rule(Family family, uint64_t ram) {
  switch (family) {
  case Family::i440fx:
    return ram >= 0xe0000000 ? 0xc0000000 : ram;
  case Family::q35:
    return ram >= 0xb0000000 ? 0x80000000 : ram;
  case Family::microvm:
    return std::min<uint64_t>(ram, 0xc0000000);
  case Family::unknown:
    break;
  }
  return {};
}

// RAM below 4 GiB by the CMOS; nothing where it does not fit `ram`.
std::optional<uint64_t> below_by_cmos(const CmosMemory& cmos, uint64_t ram) {
  constexpr uint64_t kGrain = 64 << 10;
  if (cmos.above_16m == 0)
    return ram <= 16 * kMiB ? std::optional(ram) : std::nullopt;
  uint64_t below = 16 * kMiB + cmos.above_16m;
  if (below > ram)
    return {};
  uint64_t above = ram - below;
  if (above < kGrain && cmos.above_4g == 0)
    below = ram; // which is no multiple of the grain
  bool fits = (above % kTiB) / kGrain * kGrain == cmos.above_4g;
  return fits && below <= k4GiB ? std::optional(below) : std::nullopt;
}

// Memory backends stand under their ids, or as /objects/ID; everything else
// with a slash belongs to a device or is made by QEMU itself.
bool may_be_ram(const RamBlock& block) {
  bool known = block.name == "pc.bios" || block.name == "pc.rom" ||
               block.name == "vga.vram" ||
               block.name.starts_with("system.flash");
  return !known && (block.name.find('/') == std::string::npos ||
                    block.name.starts_with("/objects/"));
}

class Placement {
public:
  Placement(std::span<const RamBlock> blocks, const MachineFacts& facts)
      : blocks_(blocks), facts_(facts), family_(family_of(facts.machine)) {}

  GuestLayout run() {
    if (auto ram = machine_ram())
      place_ram(*ram);
    place_firmware();
    name_left_out();
    std::ranges::sort(out_.pieces, {}, &LayoutPiece::address);
    return std::move(out_);
  }

private:
  std::optional<size_t> find(std::string_view name) const {
    auto it = std::ranges::find(blocks_, name, &RamBlock::name);
    return it == blocks_.end()
               ? std::nullopt
               : std::optional(static_cast<size_t>(it - blocks_.begin()));
  }

  // The block that is the machine's RAM. A block that is not called pc.ram is
  // a memory backend, and hot-plugged memory and NUMA nodes are backends, too.
  std::optional<size_t> machine_ram() {
    if (auto ram = find("pc.ram"))
      return ram;
    std::vector<size_t> candidates;
    for (size_t i = 0; i < blocks_.size(); ++i)
      if (may_be_ram(blocks_[i]))
        candidates.push_back(i);
    if (candidates.size() > 1 && facts_.cmos)
      std::erase_if(candidates, [&](size_t i) {
        return !below_by_cmos(*facts_.cmos, blocks_[i].used_length);
      });
    if (candidates.size() == 1)
      return candidates.front();
    out_.notes.push_back("which block is the machine's RAM cannot be told "
                         "from the stream");
    return {};
  }

  void place_ram(size_t block) {
    uint64_t ram = blocks_[block].used_length;
    std::optional<uint64_t> below;
    if (facts_.cmos)
      below = below_by_cmos(*facts_.cmos, ram);
    if (!below) {
      below = below_by_rule(family_, ram);
      if (below)
        out_.notes.push_back(
            fmt::format("RAM is split at {:#x}, the default of {}: the stream "
                        "holds no CMOS that says it",
                        *below, facts_.machine));
    }
    if (!below) {
      out_.notes.push_back(fmt::format(
          "where RAM lies is not known for machine \"{}\"", facts_.machine));
      return;
    }
    place_low_ram(block, *below);
    uint64_t above = ram - *below;
    out_.has_ram = above == 0 || place({block, *below, above, k4GiB});
    if (above > kAmdHole - kPciHole - k4GiB)
      out_.notes.push_back("RAM above 4 GiB is placed at 4 GiB; with an AMD "
                           "processor it lies at 1 TiB");
  }

  // A microvm's firmware covers RAM below 1 MiB. On a PC it has been copied
  // there, and the chipset shows RAM.
  void place_low_ram(size_t block, uint64_t below) {
    constexpr uint64_t kIsaEnd = kMiB, kIsaBios = 128 << 10;
    auto bios = find("pc.bios");
    if (family_ != Family::microvm || !bios || below < kIsaEnd) {
      place({block, 0, below, 0});
      return;
    }
    uint64_t size = blocks_[*bios].used_length;
    uint64_t shown = std::min(size, kIsaBios);
    place({block, 0, kIsaEnd - shown, 0});
    place({*bios, size - shown, shown, kIsaEnd - shown});
    place({block, kIsaEnd, below - kIsaEnd, kIsaEnd});
  }

  // Firmware ends at 4 GiB: the BIOS, or flash devices, the first one on top.
  void place_firmware() {
    uint64_t end = k4GiB;
    for (const char* name : {"pc.bios", "system.flash0", "system.flash1"}) {
      auto block = find(name);
      if (!block || blocks_[*block].used_length > 16 * kMiB)
        continue;
      end -= blocks_[*block].used_length;
      place({*block, 0, blocks_[*block].used_length, end});
    }
  }

  // False where it would lie over something else.
  bool place(const LayoutPiece& piece) {
    if (piece.bytes == 0)
      return true;
    bool free = piece.bytes <= kEnd && piece.address <= kEnd - piece.bytes &&
                std::ranges::none_of(out_.pieces, [&](const LayoutPiece& o) {
                  return piece.address < o.address + o.bytes &&
                         o.address < piece.address + piece.bytes;
                });
    if (free)
      out_.pieces.push_back(piece);
    return free;
  }

  void name_left_out() {
    std::string names;
    for (size_t i = 0; i < blocks_.size(); ++i)
      if (std::ranges::find(out_.pieces, i, &LayoutPiece::block) ==
          out_.pieces.end())
        names += (names.empty() ? "" : ", ") + blocks_[i].name;
    if (!names.empty())
      out_.notes.push_back("no guest-physical address is known for " + names);
  }

  std::span<const RamBlock> blocks_;
  const MachineFacts& facts_;
  Family family_;
  GuestLayout out_;
};

} // namespace

GuestLayout guest_layout(std::span<const RamBlock> blocks,
                         const MachineFacts& facts) {
  return Placement(blocks, facts).run();
}

std::optional<BlockAddress> find_address(const GuestLayout& layout,
                                         uint64_t address) {
  for (const LayoutPiece& piece : layout.pieces)
    if (address >= piece.address && address - piece.address < piece.bytes)
      return BlockAddress{piece.block, piece.offset + address - piece.address};
  return {};
}

std::optional<uint64_t> guest_address(const GuestLayout& layout, size_t block,
                                      uint64_t offset, uint64_t bytes) {
  for (const LayoutPiece& piece : layout.pieces)
    if (piece.block == block && offset >= piece.offset &&
        offset - piece.offset < piece.bytes &&
        bytes <= piece.bytes - (offset - piece.offset))
      return piece.address + (offset - piece.offset);
  return {};
}

} // namespace migscope::analyzer
