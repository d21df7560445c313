#include "analyzer/page_requests.h"

#include "analyzer/latencies.h"
#include "captures/channel_feed.h"
#include "captures/session/channel_reader.h"
#include "captures/stream/limits.h"
#include "captures/stream/return_path.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

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
    Pending& pending = asked[request.address];
    Request out;
    out.asked = captures::arrival_of(channel_.source->chunks(), request.offset);
    out.repeated = !pending.empty();
    pending.push_back(tracker_.requests_.size());
    tracker_.requests_.push_back(out);
  }

  void on_switchover_ack(uint64_t offset) override {
    tracker_.ack_ = captures::arrival_of(channel_.source->chunks(), offset);
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
  if (static_cast<Command>(item.command) == Command::postcopy_run &&
      !std::exchange(postcopy_, true))
    switched_ =
        captures::arrival_of(channels_[channel_].source->chunks(), item.offset);
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
    coming = {page.block, page.address, 0};
  if (coming.block != page.block || coming.next != page.address)
    return false;
  coming.next += page_size_;
  coming.bytes += page.wire_bytes;
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
    requests_[i].preempt = channels_[channel_].start == StreamStart::preempt;
  }
  asked.erase(pending);
  pages_asked_ += by_index_[page.block].host_page_size / page_size_;
  bytes_asked_ += coming_[channel_].bytes;
}

void PageRequestTracker::count(const PageItem& page) {
  ++pages_;
  bytes_ += page.wire_bytes;
  // Of several channels the one that came last.
  if (auto came = arrival(page))
    last_page_ = std::max(last_page_.value_or(*came), *came);
}

void PageRequestTracker::on_pages(std::span<const PageItem> pages) {
  next().on_pages(pages);
  if (!postcopy_ || requests_.empty())
    return;
  for (const PageItem& page : pages) {
    count(page);
    const Block& block = by_index_[page.block];
    if (block.asked && ends_host_page(page))
      answer(*block.asked, page.address - page.address % block.host_page_size,
             page);
  }
}

std::string PageRequestTracker::unanswered_reason() const {
  if (count_ > requests_.size())
    return fmt::format("only the first {} requests are followed",
                       requests_.size());
  if (std::ranges::any_of(channels_, [](const OpenChannel& channel) {
        return channel.error.has_value();
      }))
    return "a channel is cut off, damaged or missing here";
  if (std::ranges::find(channels_, StreamStart::recovered_main,
                        &OpenChannel::start) != channels_.end())
    return "the network broke while they were under way";
  return "their pages are in no channel that is here";
}

void PageRequestTracker::add_latencies(PageRequests& out) const {
  std::vector<Nanos> all, main, preempt;
  uint64_t early = 0;
  for (const Request& request : requests_) {
    if (!request.asked || !request.came || request.repeated)
      continue;
    Nanos wait = *request.came - *request.asked;
    if (wait <= Nanos(0)) {
      ++early;
      continue;
    }
    all.push_back(wait);
    (request.preempt ? preempt : main).push_back(wait);
  }
  for (auto& [name, waits] :
       {std::pair("main", &main), std::pair("preempt", &preempt)})
    if (!waits->empty())
      out.by_channel.push_back({name, latencies(std::move(*waits))});
  if (early + all.size() > 0)
    out.in_flight = early;
  out.latencies = latencies(std::move(all));
}

std::optional<PageRequests> PageRequestTracker::result() const {
  if (requests_.empty())
    return {};
  PageRequests out;
  out.requests = count_;
  for (const Request& request : requests_) {
    out.answered += request.answered;
    out.repeated += request.answered && request.repeated;
  }
  out.unanswered = out.requests - out.answered;
  if (out.unanswered)
    out.unanswered_reason = unanswered_reason();
  out.pages_asked = pages_asked_;
  out.pages_unasked = pages_ - pages_asked_;
  out.unasked_bytes = bytes_ - bytes_asked_;
  if (switched_ && last_page_)
    out.last_page_ms = to_ms(*last_page_ - *switched_);
  add_latencies(out);
  return out;
}

} // namespace migscope::analyzer
