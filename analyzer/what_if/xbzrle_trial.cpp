#include "analyzer/what_if/xbzrle_trial.h"

#include "analyzer/what_if/ram_layout.h"
#include "captures/stream/xbzrle.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// The page word, and what stands before an encoded page: a flag, its length.
constexpr uint64_t kWordBytes = 8;
constexpr uint64_t kEncodedHead = 3;

uint64_t end_of(std::span<const captures::RamBlock> blocks,
                const std::vector<uint64_t>& addresses) {
  uint64_t out = 0;
  for (size_t i = 0; i < blocks.size(); ++i)
    out = std::max(out, addresses[i] + blocks[i].used_length);
  return out;
}

} // namespace

Status XbzrleTrial::set_blocks(std::span<const captures::RamBlock> blocks,
                               uint32_t page_size, uint64_t smallest) {
  page_size_ = page_size;
  room_.resize(page_size);
  zeros_.resize(page_size);
  addresses_ = ram_addresses(blocks, page_size);
  for (const captures::RamBlock& block : blocks.subspan(names_.size()))
    names_.push_back(block.name);
  if (!caches_.empty())
    return {};
  uint64_t all = end_of(blocks, addresses_);
  for (uint64_t bytes = smallest;; bytes *= 2) {
    auto slots = XbzrleSlots::make(bytes / page_size);
    if (!slots)
      return fail(slots.error());
    caches_.push_back({std::move(*slots), {}});
    savings_.caches.push_back({.cache_bytes = bytes});
    if (bytes >= all)
      return {};
  }
}

void XbzrleTrial::begin_section(uint64_t generation, bool last_stage) {
  generation_ = generation;
  last_stage_ = last_stage;
}

Status XbzrleTrial::take(const TriedSend& send) {
  started_ |= send.resent;
  encoded_.reset();
  for (size_t i = 0; i < caches_.size(); ++i)
    take(i, send);
  bool unread =
      send.page.held == Held::unknown || (encoded_ && !encoded_->known);
  savings_.unreadable += started_ && unread;
  return failure_;
}

void XbzrleTrial::take(size_t cache, const TriedSend& send) {
  XbzrleSlots& slots = caches_[cache].slots;
  uint64_t page = page_number(send.item);
  if (send.page.held == Held::zero) {
    if (started_)
      slots.insert(page, generation_);
    send_page(cache, send, 1);
  } else if (!started_) {
    send_page(cache, send, page_size_);
  } else if (slots.hit(page, generation_)) {
    send_hit(cache, send);
  } else {
    ++savings_.caches[cache].misses;
    if (!last_stage_)
      slots.insert(page, generation_);
    send_page(cache, send, page_size_);
  }
}

void XbzrleTrial::send_page(size_t cache, const TriedSend& send,
                            uint64_t content_bytes) {
  uint32_t block = send.item.block;
  uint64_t bytes = kWordBytes + content_bytes;
  if (caches_[cache].last_block != block)
    bytes += 1 + names_[block].size();
  caches_[cache].last_block = block;
  savings_.caches[cache].ram_bytes += bytes;
}

void XbzrleTrial::send_hit(size_t cache, const TriedSend& send) {
  if (!encoded_)
    encode(send);
  XbzrleCache& counts = savings_.caches[cache];
  ++counts.hits;
  if (!encoded_->known) {
    send_page(cache, send, page_size_);
  } else if (!encoded_->bytes) {
    ++counts.overflows;
    counts.encoded_bytes += page_size_;
    send_page(cache, send, page_size_);
  } else if (*encoded_->bytes == 0) {
    ++counts.unchanged;
  } else {
    uint64_t before = counts.ram_bytes;
    send_page(cache, send, kEncodedHead + *encoded_->bytes);
    counts.encoded_bytes += counts.ram_bytes - before - kWordBytes;
  }
}

void XbzrleTrial::encode(const TriedSend& send) {
  encoded_ = Encoded();
  if (send.page.held != Held::data)
    return;
  if (send.same_content) {
    encoded_ = {true, 0};
    return;
  }
  auto before = contents_.load(send.item.block, send.item.address);
  if (!before) {
    failure_ = fail(before.error());
    return;
  }
  if (before->held == Held::zero)
    before->content = zeros_;
  else if (before->held != Held::data)
    return;
  encoded_ = {
      true, captures::xbzrle_encode(before->content, send.page.content, room_)};
}

uint64_t XbzrleTrial::page_number(const captures::PageItem& item) const {
  return (addresses_[item.block] + item.address) / page_size_;
}

} // namespace migscope::analyzer
