#include "captures/stream/ram_blocks.h"

#include "captures/stream/limits.h"
#include "captures/stream/mapped_region.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// The page size of a RAM block is that of host memory: at least 4 KiB.
constexpr uint64_t kMinHostPage = 4096;

} // namespace

Status RamBlockList::adopt(std::vector<RamBlock> blocks) {
  begun_ = complete_ = !blocks.empty();
  for (RamBlock& block : blocks)
    if (Status added = add(std::move(block), 0); !added)
      return added;
  return {};
}

Status RamBlockList::begin(uint64_t offset, uint64_t total,
                           const RamListLayout& layout) {
  if (begun_)
    return malformed(offset, "a second RAM block list");
  if (total > limits::kMaxRamBytes)
    return malformed(offset, fmt::format("RAM block list of {:#x} bytes, "
                                         "expected at most {:#x}",
                                         total, limits::kMaxRamBytes));
  begun_ = true;
  layout_ = layout;
  total_ = total;
  return {};
}

Result<Step> RamBlockList::decode(const Window& in, uint32_t page_size) {
  if (sum_ == total_) {
    // A page word, whose first byte is zero as EOS and MULTIFD_FLUSH carry
    // no address. A block without bytes would stand here uncounted.
    ItemReader peek(in);
    if (peek.peek() == 0) {
      complete_ = !peek.is_short();
      return Step{0, peek.wait().need, complete_};
    }
  }
  return entry(in, page_size);
}

Result<Step> RamBlockList::entry(const Window& window, uint32_t page_size) {
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
  if (layout_.mapped_ram && !in.is_short()) {
    auto mapped = read_mapped_header(in, window.offset, block, page_size);
    if (!mapped)
      return fail(mapped.error());
    block.mapped = *mapped;
  }
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
  uint64_t longest = number == 0 ? 0 : blocks_[longest_].used_length;
  second_longest_ =
      std::max(second_longest_, std::min(block.used_length, longest));
  if (block.used_length > longest)
    longest_ = number;
  blocks_.push_back(std::move(block));
  return {};
}

std::optional<uint32_t> RamBlockList::find(std::string_view name) const {
  auto at = index_.find(name);
  if (at == index_.end())
    return {};
  return at->second;
}

std::optional<uint32_t> RamBlockList::only_holder(uint64_t address) const {
  bool one = !broken_ && !blocks_.empty() && address >= second_longest_ &&
             address < blocks_[longest_].used_length;
  return one ? std::optional(longest_) : std::nullopt;
}

} // namespace migscope::captures
