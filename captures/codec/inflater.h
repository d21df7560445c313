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
    bool ended = false; // the format's own end was reached, nothing is open
  };

  virtual ~Inflater() = default;

  // Takes what it can and makes what fits into `out`, which is not empty. No
  // progress at all means that it wants more input. It stops at the end of a
  // stream; called again it takes the padding that the format allows there (as
  // ended, too) and what follows as another stream: gzip's members, xz's
  // streams and zstd's frames, skippable ones among them, need no reset() in
  // between, and a file is complete where the last progress was ended.
  // An error is final until reset(). Kind malformed; unsupported where the
  // stream wants more memory than the ceilings below.
  [[nodiscard]] virtual Result<Progress> inflate(std::span<const std::byte> in,
                                                 std::span<std::byte> out) = 0;
  // Ready for another stream, whatever became of the one before.
  virtual void reset() = 0;
};

// zstd's own default for a stream, which levels up to 22 stay within.
inline constexpr int kMaxZstdWindowLog = 27; // 128 MiB
// xz -9 takes 65 MiB.
inline constexpr uint64_t kMaxXzMemory = 128u << 20;

[[nodiscard]] std::unique_ptr<Inflater> zlib_inflater();
[[nodiscard]] std::unique_ptr<Inflater> gzip_inflater();
[[nodiscard]] std::unique_ptr<Inflater> zstd_inflater();
[[nodiscard]] std::unique_ptr<Inflater> xz_inflater();

} // namespace migscope::captures
