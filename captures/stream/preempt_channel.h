// Decoder of a postcopy-preempt channel: page words without hello and framing
// (QEMU migration/ram.c, 7.1+).
#pragma once

#include "captures/stream/carry.h"
#include "captures/stream/decoder.h"
#include "captures/stream/ram_body.h"

namespace migscope::captures {

class PreemptDecoder {
public:
  // Tells of on_pages and on_problem. `main` is the main channel's
  // connection_state(), from which the block list comes.
  PreemptDecoder(StreamEvents& events, const ConnectionState& main);

  // As StreamDecoder's. An error is final: nothing marks the next page.
  [[nodiscard]] Status feed(std::span<const std::byte> bytes);
  // 7.x ends the channel with an EOS word, 8.0+ just closes it between pages.
  [[nodiscard]] Status finish();
  [[nodiscard]] uint64_t position() const { return position_; }

private:
  [[nodiscard]] Step decode(std::span<const std::byte> bytes);

  RamBody ram_;
  Carry carry_; // an unfinished page, at position_
  uint64_t position_ = 0;
  std::optional<Error> error_;
  bool ended_ = false;
};

} // namespace migscope::captures
