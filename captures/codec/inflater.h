// Decompression piece by piece, whatever library does it.
//
// Used for page payloads (QEMU's zlib pages, multifd's zlib and zstd channels)
// and for whole captures that somebody has compressed. The input is hostile:
// an inflater keeps a window of bounded size and never grows its output beyond
// what the caller gave room for.
#pragma once

#include "base/error.h"

#include <memory>
#include <span>

namespace migscope::captures {

class Inflater {
public:
  struct Progress {
    size_t used = 0;    // bytes taken from the input
    size_t made = 0;    // bytes written to the output
    bool ended = false; // the format's own end was reached
  };

  virtual ~Inflater() = default;

  // Takes what it can and makes what fits. No progress at all means that it
  // wants more input. An error (kind malformed) is final until reset().
  [[nodiscard]] virtual Result<Progress> inflate(std::span<const std::byte> in,
                                                 std::span<std::byte> out) = 0;
  // Ready for another stream.
  virtual void reset() = 0;
};

[[nodiscard]] std::unique_ptr<Inflater> zlib_inflater();
[[nodiscard]] std::unique_ptr<Inflater> gzip_inflater();
[[nodiscard]] std::unique_ptr<Inflater> zstd_inflater();
[[nodiscard]] std::unique_ptr<Inflater> xz_inflater();

} // namespace migscope::captures
