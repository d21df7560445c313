// Puts the pages of multifd channels where they belong among those of the main
// channel (QEMU migration/multifd.c, ram.c; 7.2 to 11.1).
//
// The k-th mark on the main channel and the k-th SYNC on each multifd channel
// are the same moment. Within an epoch, between two of them, no page comes
// twice. Where the marks are MULTIFD_FLUSH words an epoch is one scan of
// memory: its pages were sent in ascending order, each channel's too, so that
// taking the lowest of the channels' next ones gives the order of sending.
#pragma once

#include "captures/channel_feed.h"
#include "captures/stream/multifd_channel.h"

#include <map>

namespace migscope::captures {

class MultifdMerge {
public:
  // All outlive this. `indexes`: those of `channels` that are multifd's.
  MultifdMerge(std::span<OpenChannel> channels,
               const std::vector<size_t>& indexes, StreamEvents& events);
  ~MultifdMerge();

  // The main channel's block list, as far as it is known; nothing can be told
  // before it.
  void begin(std::span<const RamBlock> blocks, uint32_t page_size);
  // For pages of a scan on the main channel (zero pages up to 8.2, and where
  // zero-page-detection is legacy): tells the channels' pages that come before
  // the first of them, and gives how many of them come before the channels'
  // next. One at least.
  [[nodiscard]] size_t merge(std::span<const PageItem> pages);
  // The main channel is at a mark: tells all channels' pages up to their next
  // SYNC.
  void mark();
  // Tells what is left on all channels.
  void drain();
  // After drain(): a channel that is whole and has not the marks that main has,
  // or another one's id, is given an error: it is of another migration.
  void check_channels();
  // Why not all channels of the migration can be here.
  [[nodiscard]] std::optional<Error> missing() const;

private:
  class Channel;
  using BlockIndex = std::map<std::string, uint32_t, std::less<>>;

  // The channel that has the lowest page; null at the end of the epoch.
  [[nodiscard]] Channel* first();

  std::span<OpenChannel> channels_;
  std::vector<size_t> indexes_;
  StreamEvents& events_;
  std::vector<RamBlock> blocks_;
  BlockIndex block_index_;
  uint32_t page_size_ = 0;
  std::vector<std::unique_ptr<Channel>> open_;
  uint64_t marks_ = 0;
};

} // namespace migscope::captures
