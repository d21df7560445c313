// Where the frames of a zstd file are, found without decompressing it.
#pragma once

#include "captures/session/file.h"

#include <vector>

namespace migscope::captures {

// The largest data frame that is read; ours have kFrameBytes. Bounds what a
// hostile file can make a reader allocate.
inline constexpr uint64_t kMaxContentBytes = 64u << 20;

struct FrameAt {
  uint64_t offset = 0;  // in the file
  uint64_t size = 0;    // in the file; of a cut-off frame, what is there
  uint64_t content = 0; // 0 for skippable frames; as claimed, not checked
};

struct FrameScan {
  std::vector<FrameAt> frames; // complete ones, ascending
  // The file ends inside this data frame.
  std::optional<FrameAt> cut_off;
  // Where and why the scan ended early.
  std::optional<Error> stopped;
};

// Fails with kind malformed where the file does not begin as a zstd file. One
// that ends inside its first magic, even before it, is one that was cut off.
[[nodiscard]] Status check_zstd_magic(const File& file);

// From the seek table at the end; nothing where there is none that fits the
// file.
[[nodiscard]] std::optional<FrameScan> scan_seek_table(const File& file);

// From frame header to block header to frame header. Fails only where reading
// fails; a frame above kMaxContentBytes stops it with kind unsupported.
[[nodiscard]] Result<FrameScan> walk_frames(const File& file);

} // namespace migscope::captures
