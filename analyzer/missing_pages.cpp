#include "analyzer/missing_pages.h"

#include "base/counted.h"
#include "captures/stream/command.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {

using captures::RamBlock;
using captures::wire::Command;

void MissingPages::on_ram_blocks(std::span<const RamBlock> blocks,
                                 uint32_t page_size) {
  page_size_ = page_size;
  blocks_.assign(blocks.begin(), blocks.end());
  awaited_.resize(blocks.size());
  next().on_ram_blocks(blocks, page_size);
}

void MissingPages::on_command(const captures::CommandItem& item) {
  auto command = static_cast<Command>(item.command);
  if (command == Command::postcopy_advise)
    advised_ |= !item.payload.empty();
  if (command == Command::postcopy_discard)
    discard(item);
  next().on_command(item);
}

void MissingPages::discard(const captures::CommandItem& item) {
  if (!followed_)
    return;
  auto told = captures::parse_ram_discard(item);
  if (!told)
    return; // the decoder has told of it
  auto block = std::ranges::find(blocks_, told->block, &RamBlock::name);
  if (block == blocks_.end())
    return;
  RangeSet& awaited = awaited_[static_cast<size_t>(block - blocks_.begin())];
  ranges_ -= awaited.count();
  for (const auto& range : told->ranges) {
    uint64_t start = std::min(range.start, block->used_length);
    awaited.add(start,
                start + std::min(range.length, block->used_length - start));
  }
  ranges_ += awaited.count();
  discarded_ = true;
  check_count();
}

void MissingPages::check_count() {
  followed_ = ranges_ <= most_;
  if (!followed_)
    std::vector<RangeSet>(awaited_.size()).swap(awaited_);
}

void MissingPages::on_pages(std::span<const captures::PageItem> pages) {
  next().on_pages(pages);
  if (!discarded_ || !followed_)
    return;
  for (const captures::PageItem& page : pages) {
    RangeSet& awaited = awaited_[page.block];
    ranges_ -= awaited.count();
    awaited.remove(page.address, page.address + page_size_);
    ranges_ += awaited.count();
  }
  check_count();
}

void MissingPages::on_eof(uint64_t offset) {
  eof_ = true;
  next().on_eof(offset);
}

std::optional<Error> MissingPages::missing() const {
  uint64_t pages = 0;
  for (const RangeSet& awaited : awaited_)
    pages += (awaited.bytes() + page_size_ - 1) / page_size_;
  if (!eof_ || pages == 0)
    return {};
  return Error{ErrorKind::truncated,
               fmt::format("{} that postcopy discarded did not come again: "
                           "a preempt channel, or a connection between two "
                           "pauses, is not here or not whole",
                           counted(pages, "page"))};
}

std::optional<Error> MissingPages::not_followed() const {
  if (!eof_ || followed_)
    return {};
  return Error{ErrorKind::unsupported,
               fmt::format("postcopy discarded more than {} separate ranges: "
                           "whether all their pages came again is not known",
                           most_)};
}

} // namespace migscope::analyzer
