// Pairs the pages a postcopy destination asked for with those that answer.
#pragma once

#include "analyzer/analysis.h"
#include "captures/migration_reader.h"
#include "captures/stream/forwarded_events.h"

#include <map>
#include <unordered_map>

namespace migscope::analyzer {

class PageRequestTracker final : public captures::ForwardedEvents {
public:
  // Reads the return paths among `channels`, which outlive this; then watches
  // what is told of the others, and passes it on to `next`.
  PageRequestTracker(std::span<captures::OpenChannel> channels,
                     captures::StreamEvents& next);

  void on_ram_blocks(std::span<const captures::RamBlock> blocks,
                     uint32_t page_size) override;
  void on_pages(std::span<const captures::PageItem> pages) override;
  void on_command(const captures::CommandItem& item) override;
  void on_channel(size_t channel) override;

  // Once all is read. Nothing where no page was asked for.
  [[nodiscard]] std::optional<PageRequests> result() const;
  // When the destination last agreed to a switchover (switchover-ack).
  [[nodiscard]] std::optional<MonoTime> switchover_ack() const { return ack_; }

private:
  struct Request {
    std::optional<MonoTime> asked;
    std::optional<MonoTime> came;
    bool answered = false;
    bool repeated = false; // its page was asked for before
    bool preempt = false;  // its page came on the preempt channel
  };
  // All requests for one page, the first of which it answers.
  using Pending = std::vector<size_t>;
  using Asked = std::unordered_map<uint64_t, Pending>; // by address

  // A block's requests. The destination asks for host pages, which it places
  // when they are whole: a huge page comes as target pages one after another.
  struct Block {
    Asked* asked = nullptr;      // null where nothing was asked of the block
    uint64_t host_page_size = 0; // bytes
  };
  // The host page that is coming on a channel.
  struct Coming {
    uint32_t block = 0;
    uint64_t next = 0;  // its page that comes next, byte offset in the block
    uint64_t bytes = 0; // of it so far, on the wire
  };

  class Reader;
  [[nodiscard]] bool ends_host_page(const captures::PageItem& page);
  void answer(Asked& asked, uint64_t address, const captures::PageItem& page);
  [[nodiscard]] std::optional<MonoTime>
  arrival(const captures::PageItem& page) const;
  void count(const captures::PageItem& page);
  [[nodiscard]] std::string unanswered_reason() const;
  void add_latencies(PageRequests& out) const;

  std::span<captures::OpenChannel> channels_;
  std::vector<Request> requests_; // as many as are followed
  uint64_t count_ = 0;            // all
  std::map<std::string, Asked, std::less<>> by_block_;
  std::vector<Block> by_index_;
  std::vector<Coming> coming_; // by channel
  uint32_t page_size_ = 0;
  size_t channel_ = 0;
  bool postcopy_ = false;
  std::optional<MonoTime> ack_, switched_, last_page_;
  uint64_t pages_ = 0, bytes_ = 0; // after the switch
  uint64_t pages_asked_ = 0, bytes_asked_ = 0;
};

} // namespace migscope::analyzer
