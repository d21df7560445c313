// Commands of the main channel (QEMU migration/savevm.c, qemu_savevm_command_*)
// and what their payloads hold.
#pragma once

#include "captures/stream/events.h"
#include "captures/stream/window.h"

namespace migscope::captures {

// "PING"; nothing for a number that no QEMU up to 11.1 sends.
[[nodiscard]] std::optional<std::string_view> command_name(uint16_t command);

// Whether a payload of so many bytes can belong to the command. False for a
// command that is not known.
[[nodiscard]] bool legal_length(uint16_t command, uint16_t length);

// POSTCOPY_ADVISE with RAM postcopy. Without it (dirty bitmaps only) the
// payload is empty.
struct PostcopyAdvice {
  uint64_t block_page_sizes = 0; // all RAM blocks' page sizes, or-ed, bytes
  uint32_t target_page_size = 0; // bytes
};

// POSTCOPY_RAM_DISCARD: ranges the destination throws away, as they were
// dirtied after they were sent, or never sent.
struct RamDiscard {
  struct Range {
    uint64_t start = 0; // byte offset in the block
    uint64_t length = 0;
  };
  std::string block;
  std::vector<Range> ranges;
};

// These fail with kind malformed; the command's kind is the caller's to check.
[[nodiscard]] Result<std::optional<PostcopyAdvice>>
parse_postcopy_advise(const CommandItem& item);
[[nodiscard]] Result<RamDiscard> parse_ram_discard(const CommandItem& item);
[[nodiscard]] Result<std::string> parse_recv_bitmap(const CommandItem& item);

} // namespace migscope::captures
