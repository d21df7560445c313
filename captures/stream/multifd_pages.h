// The pages of a multifd channel's packets (QEMU migration/multifd-zlib.c,
// multifd-zstd.c and multifd-nocomp.c).
#pragma once

#include "captures/codec/inflater.h"
#include "captures/stream/multifd_channel.h"

#include <vector>

namespace migscope::captures {

// zlib and zstd run through the whole channel, one stream or frame that is
// flushed after each packet, so that a packet can be read only after all those
// before it.
class MultifdPages {
public:
  // The pages of the channel's next packet with payload, `bytes` together.
  // Empty where they cannot be read. The view lives until the next call. An
  // error (kind malformed, without offset) where the payload gives anything
  // else; the channel is lost then.
  [[nodiscard]] Result<std::span<const std::byte>>
  read(MultifdMethod method, std::span<const std::byte> payload, size_t bytes);

  // A packet has been left out. What is compressed after it is not readable.
  void lose() { lost_ = true; }

private:
  [[nodiscard]] Result<size_t> inflate(std::span<const std::byte> payload,
                                       std::span<std::byte> room);

  std::unique_ptr<Inflater> inflater_;
  MultifdMethod method_ = MultifdMethod::none; // of inflater_
  std::vector<std::byte> room_;
  bool lost_ = false;
};

} // namespace migscope::captures
