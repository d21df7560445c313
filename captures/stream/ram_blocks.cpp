#include "captures/stream/ram_blocks.h"

#include "captures/stream/limits.h"

#include <bit>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// The page size of a RAM block is that of host memory: at least 4 KiB.
constexpr uint64_t kMinHostPage = 4096;

} // namespace

Status RamBlockList::adopt(std::vector<RamBlock> blocks) {
  begun_ = !blocks.empty();
  for (RamBlock& block : blocks)
    if (Status added = add(std::move(block), 0); !added)
      return added;
  return {};
}

Status RamBlockList::begin(uint64_t offset, uint64_t total,
                           const RamListLayout& layout) {
  if (begun_)
    return malformed(offset, "a second RAM block list");
  if (layout.mapped_ram)
    return unsupported(offset, "RAM block list of a mapped-ram file: its pages "
                               "stand outside the stream");
  if (total > limits::kMaxRamBytes)
    return malformed(offset, fmt::format("RAM block list of {:#x} bytes, "
                                         "expected at most {:#x}",
                                         total, limits::kMaxRamBytes));
  begun_ = true;
  layout_ = layout;
  total_ = total;
  return {};
}

Result<Step> RamBlockList::decode(const Window& in) {
  size_t at = 0;
  for (;;) {
    Window rest = in.from(at);
    if (sum_ == total_) {
      // A page word, whose first byte is zero as EOS and MULTIFD_FLUSH carry
      // no address. A block without bytes would stand here uncounted.
      ItemReader peek(rest);
      if (peek.peek() == 0)
        return Step{at, peek.wait().need, !peek.is_short()};
    }
    auto step = entry(rest);
    if (!step)
      return step;
    at += step->used;
    if (step->need > 0)
      return Step{at, step->need};
  }
}

Result<Step> RamBlockList::entry(const Window& window) {
  ItemReader in(window);
  std::string_view name = in.counted_string();
  if (!in.is_short() && name.empty())
    return malformed(window.offset,
                     fmt::format("RAM block list: a block without name after "
                                 "{:#x} of {:#x} bytes",
                                 sum_, total_));
  RamBlock block;
  block.name = name;
  block.used_length = in.be<uint64_t>();
  if (!in.is_short())
    if (Status good = check(block, window.offset); !good)
      return fail(good.error());
  if (layout_.ignore_shared)
    block.mr_addr = in.be<uint64_t>();
  else
    read_page_size(in, block);
  if (in.is_short())
    return in.wait();
  sum_ += block.used_length;
  if (Status added = add(std::move(block), window.offset); !added)
    return fail(added.error());
  return in.taken();
}

// Whether the field is there is not stated. No name begins with a zero byte,
// and the page word after the last block has flags below any page size.
void RamBlockList::read_page_size(ItemReader& in, RamBlock& block) const {
  if (layout_.advised_page_sizes == 0 || in.peek() != 0 || in.is_short())
    return;
  ItemReader ahead = in;
  auto size = ahead.be<uint64_t>();
  if (ahead.is_short() || (std::has_single_bit(size) && size >= kMinHostPage &&
                           (size & layout_.advised_page_sizes) != 0)) {
    in = ahead;
    block.page_size = size;
  }
}

Status RamBlockList::check(const RamBlock& block, uint64_t offset) const {
  if (block.used_length > total_ - sum_)
    return malformed(offset,
                     fmt::format("RAM block list: block {} of {:#x} bytes, "
                                 "expected at most the {:#x} left of {:#x}",
                                 quoted(block.name), block.used_length,
                                 total_ - sum_, total_));
  if (blocks_.size() >= limits::kMaxRamBlocks)
    return malformed(offset, fmt::format("RAM block list: more than {} blocks",
                                         limits::kMaxRamBlocks));
  return {};
}

Status RamBlockList::add(RamBlock block, uint64_t offset) {
  auto number = static_cast<uint32_t>(blocks_.size());
  if (!index_.emplace(block.name, number).second)
    return malformed(offset, fmt::format("RAM block list: a second block {}",
                                         quoted(block.name)));
  blocks_.push_back(std::move(block));
  return {};
}

std::optional<uint32_t> RamBlockList::find(std::string_view name) const {
  auto at = index_.find(name);
  if (at == index_.end())
    return {};
  return at->second;
}

} // namespace migscope::captures
