#include "analyzer/memory/page_history.h"

#include <utility>

#include "captures/stream/command.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <xxhash.h>

namespace migscope::analyzer {

using captures::PageItem;

namespace {

// Nobody reads more; a stream can hold one page a hundred million times.
constexpr size_t kMaxSends = 100'000;

uint64_t differing(std::span<const std::byte> a, std::span<const std::byte> b) {
  uint64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i)
    count += a[i] != b[i];
  return count;
}

} // namespace

PageHistory::PageHistory(std::string block, uint64_t offset)
    : block_(std::move(block)), offset_(offset) {}

void PageHistory::on_section_begin(const captures::SectionHeader& header) {
  section_ = header.offset;
}

void PageHistory::on_ram_blocks(std::span<const captures::RamBlock> blocks,
                                uint32_t page_size) {
  if (index_)
    return;
  // A mapped-ram file tells of its blocks one by one.
  auto unseen = blocks.subspan(seen_blocks_);
  size_t before = std::exchange(seen_blocks_, blocks.size());
  auto block = std::ranges::find(unseen, block_, &captures::RamBlock::name);
  if (block == unseen.end() || offset_ >= block->used_length)
    return;
  index_ = before + static_cast<size_t>(block - unseen.begin());
  address_ = offset_ / page_size * page_size;
  decoder_ = std::make_unique<PageDecoder>(page_size);
  content_.resize(page_size);
}

void PageHistory::add(const PageSend& send) {
  if (sends_.size() < kMaxSends)
    sends_.push_back(send);
  else
    ++not_kept_;
}

void PageHistory::on_pages(std::span<const PageItem> pages) {
  if (!index_)
    return;
  for (const PageItem& item : pages)
    if (item.block == *index_ && item.address == address_)
      take(item);
}

void PageHistory::take(const PageItem& item) {
  DecodedPage page = decoder_->decode(item, {held_, content_});
  PageSend send{channel(), item.offset,     section_,
                item.kind, item.wire_bytes, {}};
  bool known = held_ == Held::zero || held_ == Held::data;
  std::vector<std::byte> content(content_.size());
  if (page.held == Held::data)
    std::ranges::copy(page.content, content.begin());
  if (page.held != Held::unknown) {
    send.digest = XXH3_64bits(content.data(), content.size());
    if (known)
      send.changed_bytes = differing(content_, content);
  }
  held_ = page.held;
  content_ = std::move(content);
  add(send);
}

void PageHistory::on_command(const captures::CommandItem& item) {
  auto command = static_cast<captures::wire::Command>(item.command);
  if (command != captures::wire::Command::postcopy_discard)
    return;
  auto discard = captures::parse_ram_discard(item);
  if (!discard || discard->block != block_)
    return;
  bool hit = std::ranges::any_of(discard->ranges, [&](const auto& range) {
    return address_ >= range.start && address_ - range.start < range.length;
  });
  if (!hit)
    return;
  held_ = Held::never;
  std::ranges::fill(content_, std::byte{0});
  add({channel(), item.offset, {}, {}, 0, {}});
}

} // namespace migscope::analyzer
