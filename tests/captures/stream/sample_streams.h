// Small well-formed streams that together show every kind of item.
#pragma once

#include "captures/stream/decoder.h"
#include "tests/support/stream_builder.h"

namespace migscope::test {

// Keeps streams small enough to be cut and damaged at every byte. The least
// size that leaves room for all flags.
inline constexpr uint32_t kSmallPage = 1024;

struct SampleStream {
  std::string name;
  StreamBuilder::Bytes bytes;
  captures::DecoderOptions options = {};
};

[[nodiscard]] std::vector<SampleStream> sample_streams();

// Header, configuration with small pages, and START of `ram` (id 2) with the
// blocks "pc.ram" (16 pages) and "vga.vram" (4 pages).
[[nodiscard]] StreamBuilder small_machine();

} // namespace migscope::test
