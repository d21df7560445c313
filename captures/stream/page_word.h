// The items of a `ram` body that stand for one page each: a word, a block name
// unless the page before tells it, and a payload (QEMU migration/ram.c).
#pragma once

#include "captures/stream/events.h"
#include "captures/stream/window.h"

namespace migscope::captures {

inline constexpr size_t kPageWordBytes = 8;

struct PageWord {
  uint64_t offset = 0; // in the channel
  uint64_t address = 0;
  uint64_t flags = 0;
};

// AVR's pages of 256 bytes leave room for eight flags only.
[[nodiscard]] uint64_t page_flag_mask(uint32_t page_size);

// Whether the word stands for a page of a kind that read_payload() knows.
[[nodiscard]] bool is_page(const PageWord& word);

// What follows word and name. The item has no block yet; it is of no worth
// where `in` is short.
[[nodiscard]] Result<PageItem> read_payload(const PageWord& word,
                                            uint32_t page_size, ItemReader& in);

} // namespace migscope::captures
