// Finds out that a channel is not here by the pages that must have come on it.
#pragma once

#include "analyzer/range_set.h"
#include "captures/stream/forwarded_events.h"
#include "captures/stream/limits.h"

#include <optional>

namespace migscope::analyzer {

// Watches what is told of all channels, and passes it on.
class MissingPages final : public captures::ForwardedEvents {
public:
  // Follows at most `most` separate ranges of discarded pages.
  explicit MissingPages(captures::StreamEvents& next,
                        size_t most = captures::limits::kMaxDiscardedRanges)
      : ForwardedEvents(next), most_(most) {}

  void on_ram_blocks(std::span<const captures::RamBlock> blocks,
                     uint32_t page_size) override;
  void on_pages(std::span<const captures::PageItem> pages) override;
  void on_command(const captures::CommandItem& item) override;
  void on_eof(uint64_t offset) override;

  // Once all is read: that pages are missing which a stream with an end must
  // hold. A stream without one says nothing of what would have come.
  [[nodiscard]] std::optional<Error> missing() const;
  // That it is not known whether pages are missing.
  [[nodiscard]] std::optional<Error> not_followed() const;
  // RAM postcopy was on: there may be a preempt channel, of which nothing more
  // is known until a page comes on it.
  [[nodiscard]] bool postcopy_advised() const { return advised_; }

private:
  void discard(const captures::CommandItem& item);
  // Gives up where the ranges are too many.
  void check_count();

  std::vector<captures::RamBlock> blocks_;
  // Discarded at the switch to postcopy and not sent since, by block. All that
  // is discarded is sent, on the main channel or the preempt channel (QEMU
  // migration/ram.c, ram_postcopy_send_discard_bitmap, 7.2 to 11.1).
  std::vector<RangeSet> awaited_;
  uint32_t page_size_ = 0;
  size_t most_;
  size_t ranges_ = 0;    // of all blocks
  bool followed_ = true; // false: too many ranges
  bool discarded_ = false;
  bool advised_ = false;
  bool eof_ = false;
};

} // namespace migscope::analyzer
