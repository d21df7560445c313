// zstd frames as a recording has them. libzstd's header stays in
// zstd_frame.cpp.
#pragma once

#include "base/error.h"

#include <functional>
#include <memory>
#include <span>

namespace migscope::captures {

// Makes independent frames, each with its content size and a checksum.
class FrameCompressor {
public:
  FrameCompressor();
  ~FrameCompressor();

  // zstd's scale, where lower is faster; 3 until set.
  void set_level(int level);

  // Room that compress() needs for `bytes` of input.
  [[nodiscard]] static size_t bound(size_t bytes);
  // Writes one frame to the start of `out` and returns its size.
  [[nodiscard]] Result<size_t> compress(std::span<const std::byte> in,
                                        std::span<std::byte> out);

private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// `frame` is one whole frame that must give exactly `out.size()` bytes.
[[nodiscard]] Status decompress_frame(std::span<const std::byte> frame,
                                      std::span<std::byte> out);

// What the complete blocks at the start of a cut-off frame give. Unchecked:
// the checksum is in the part that is missing.
[[nodiscard]] size_t decompress_start(std::span<const std::byte> frame,
                                      std::span<std::byte> out);

// Any sequence of frames, in pieces as they come. Memory is bounded: windows
// above 128 MiB (zstd's own default) are refused.
class StreamDecompressor {
public:
  StreamDecompressor();
  ~StreamDecompressor();

  using Sink = std::function<Status(std::span<const std::byte>)>;
  // Stops at the sink's first failure. Fails with kind malformed where the
  // input is damaged.
  [[nodiscard]] Status feed(std::span<const std::byte> in, const Sink& sink);
  // The input so far ends inside a frame.
  [[nodiscard]] bool inside_frame() const;

private:
  struct Context;
  std::unique_ptr<Context> context_;
};

} // namespace migscope::captures
