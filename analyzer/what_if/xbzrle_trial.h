// xbzrle with caches of several sizes, tried on the pages of a precopy over one
// channel (QEMU migration/ram.c, save_xbzrle_page() and
// xbzrle_cache_zero_page(), 7.2 to 11.1).
//
// While xbzrle is on, every send of a page leaves it in the cache as it was
// sent, or not in the cache at all. So all caches that hold a page hold the
// same, and it is encoded once however many there are.
#pragma once

#include "analyzer/what_if/last_contents.h"
#include "analyzer/what_if/savings.h"
#include "analyzer/what_if/tried_send.h"
#include "analyzer/what_if/xbzrle_slots.h"

namespace migscope::analyzer {

class XbzrleTrial {
public:
  // `contents` outlives it and holds what was sent before the page that is
  // taken, for pages that were sent since started().
  explicit XbzrleTrial(LastContents& contents) : contents_(contents) {}

  // Caches from `smallest` bytes, doubled until one holds all blocks. A list
  // told again only adds blocks.
  [[nodiscard]] Status set_blocks(std::span<const captures::RamBlock> blocks,
                                  uint32_t page_size, uint64_t smallest);
  // The pages that follow were sent behind this many dirty-bitmap syncs;
  // `last_stage`: in the last round.
  void begin_section(uint64_t generation, bool last_stage);
  [[nodiscard]] Status take(const TriedSend& send);

  // QEMU begins when the scan of all blocks wraps for the first time; the next
  // page was sent before.
  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] const XbzrleSavings& savings() const { return savings_; }

private:
  struct Cache {
    XbzrleSlots slots;
    std::optional<uint32_t> last_block; // that was named in the stream
  };
  // What xbzrle makes of a page that all caches that hold it hold the same.
  struct Encoded {
    bool known = false;
    std::optional<size_t> bytes; // nothing: an overflow
  };

  void take(size_t cache, const TriedSend& send);
  void send_page(size_t cache, const TriedSend& send, uint64_t content_bytes);
  void send_hit(size_t cache, const TriedSend& send);
  void encode(const TriedSend& send);
  [[nodiscard]] uint64_t page_number(const captures::PageItem& item) const;

  LastContents& contents_;
  uint32_t page_size_ = 0;
  std::vector<std::string> names_;
  std::vector<uint64_t> addresses_;
  std::vector<Cache> caches_;
  XbzrleSavings savings_;
  uint64_t generation_ = 0;
  bool last_stage_ = false;
  bool started_ = false;
  std::optional<Encoded> encoded_; // of the page that is taken
  std::vector<std::byte> room_, zeros_;
  Status failure_;
};

} // namespace migscope::analyzer
