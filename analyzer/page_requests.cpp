#include "analyzer/page_requests.h"

#include "captures/channel_feed.h"
#include "captures/session/channel_reader.h"
#include "captures/stream/limits.h"
#include "captures/stream/return_path.h"
#include "captures/stream/wire.h"

#include <algorithm>

namespace migscope::analyzer {

using captures::OpenChannel;
using captures::PageItem;
using captures::StreamStart;

// Takes the requests from one return path.
class PageRequestTracker::Reader final : public captures::ReturnEvents {
public:
  Reader(PageRequestTracker& tracker, OpenChannel& channel)
      : tracker_(tracker), channel_(channel) {}

  // `broken` is how many connections were lost, whose return paths have no end.
  void read(size_t& broken) {
    captures::ChannelFeed feed(channel_);
    captures::ReturnPathDecoder decoder(*this);
    Status decoded = captures::decode_all(feed, decoder);
    // Nothing came back where no return path was asked for, and never does on
    // multifd and preempt channels.
    if (decoded || channel_.bytes == 0)
      return;
    if (decoded.error().kind == ErrorKind::truncated && broken > 0)
      --broken;
    else
      feed.fail_with(decoded.error());
  }

  void on_page_request(const captures::PageRequest& request) override {
    ++tracker_.count_;
    using namespace captures::limits;
    std::string block(request.block);
    bool known = tracker_.by_block_.contains(block);
    if (tracker_.requests_.size() >= kMaxPageRequests ||
        (!known && tracker_.by_block_.size() >= kMaxRamBlocks))
      return;
    Asked& asked = tracker_.by_block_[block];
    asked[request.address].push_back(tracker_.requests_.size());
    tracker_.requests_.push_back(
        {captures::arrival_of(channel_.source->chunks(), request.offset),
         {},
         false});
  }

private:
  PageRequestTracker& tracker_;
  OpenChannel& channel_;
};

PageRequestTracker::PageRequestTracker(std::span<OpenChannel> channels,
                                       captures::StreamEvents& next)
    : ForwardedEvents(next), channels_(channels), coming_(channels.size()) {
  auto broken = static_cast<size_t>(std::ranges::count(
      channels_, StreamStart::recovered_main, &OpenChannel::start));
  for (OpenChannel& channel : channels_)
    if (channel.source && channel.start == StreamStart::return_path)
      Reader(*this, channel).read(broken);
}

void PageRequestTracker::on_ram_blocks(
    std::span<const captures::RamBlock> blocks, uint32_t page_size) {
  for (const captures::RamBlock& block : blocks.subspan(by_index_.size())) {
    auto asked = by_block_.find(block.name);
    uint64_t host = block.page_size.value_or(page_size);
    by_index_.push_back({asked == by_block_.end() ? nullptr : &asked->second,
                         std::max<uint64_t>(host, page_size)});
  }
  page_size_ = page_size;
  next().on_ram_blocks(blocks, page_size);
}

void PageRequestTracker::on_command(const captures::CommandItem& item) {
  using captures::wire::Command;
  postcopy_ |= static_cast<Command>(item.command) == Command::postcopy_run;
  next().on_command(item);
}

void PageRequestTracker::on_channel(size_t channel) {
  channel_ = channel;
  next().on_channel(channel);
}

std::optional<MonoTime>
PageRequestTracker::arrival(const PageItem& page) const {
  return captures::arrival_of(channels_[channel_].source->chunks(),
                              page.offset + page.wire_bytes - 1);
}

// Whether `page` makes its host page whole.
bool PageRequestTracker::ends_host_page(const PageItem& page) {
  const uint64_t host = by_index_[page.block].host_page_size;
  Coming& coming = coming_[channel_];
  if (page.address % host == 0)
    coming = {page.block, page.address};
  if (coming.block != page.block || coming.next != page.address)
    return false;
  coming.next += page_size_;
  return coming.next % host == 0;
}

void PageRequestTracker::answer(Asked& asked, uint64_t address,
                                const PageItem& page) {
  auto pending = asked.find(address);
  if (pending == asked.end())
    return;
  for (size_t i : pending->second) {
    requests_[i].came = arrival(page);
    requests_[i].answered = true;
  }
  asked.erase(pending);
}

void PageRequestTracker::on_pages(std::span<const PageItem> pages) {
  next().on_pages(pages);
  if (!postcopy_ || requests_.empty())
    return;
  for (const PageItem& page : pages) {
    const Block& block = by_index_[page.block];
    if (block.asked && ends_host_page(page))
      answer(*block.asked, page.address - page.address % block.host_page_size,
             page);
  }
}

std::optional<PageRequests> PageRequestTracker::result() const {
  if (requests_.empty())
    return {};
  PageRequests out;
  std::vector<double> waits; // ms
  out.requests = count_;
  for (const Request& request : requests_) {
    out.answered += request.answered;
    if (request.asked && request.came && *request.came > *request.asked)
      waits.push_back(to_ms(*request.came - *request.asked));
  }
  if (waits.empty())
    return out;
  auto middle = waits.begin() + static_cast<ptrdiff_t>(waits.size() / 2);
  std::ranges::nth_element(waits, middle);
  out.median_ms = *middle;
  out.max_ms = *std::ranges::max_element(waits);
  return out;
}

} // namespace migscope::analyzer
