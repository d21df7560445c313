// How a channel stands in its file, to the byte.
//
// Constraints:
// - `zstd -dc FILE` gives exactly the stream, so that no tool needs us.
// - After kill -9 all but the last 100 ms or 1 MiB can be read.
// - Any byte of the stream, and the time at which it arrived, can be found
//   without reading what is before it, and by several threads at once.
//
// File:   { index frame, data frame } ... seek table.   All numbers are
// little-endian, as zstd's are.
//
// Data frame: a zstd frame with content size and checksum, which holds at most
// kFrameBytes of the stream and follows on the one before.
//
// Index frame: a zstd skippable frame that describes the data frame after it.
//   0  u32  kIndexFrameMagic (zstd: skippable frame)
//   4  u32  bytes that follow
//   8  u32  kIndexMagic, "MSIX"
//  12  u8   kIndexVersion; u8[3] zero
//  16  u64  offset in the stream of the data frame's first byte
//  24  u32  stream bytes in the data frame
//  28  u32  chunks
//  32  i64  arrival of the first chunk, CLOCK_MONOTONIC in ns
//  40       per chunk: varint length (never 0), then varint of the zigzag'ed
//           time in ns since the chunk before (the first: since the field
//           above). A chunk is what one read gave; one that does not fit is
//           continued in the next frame with the same arrival.
//  end u32  low half of XXH64 (seed 0) of everything from offset 8 on
// A varint has 7 bits in each byte, lowest first; all but the last byte have
// bit 7 set.
//
// Seek table: as in zstd's contrib/seekable_format (version 0.1.0), without
// its optional checksums. Index frames are entries with decompressed size 0.
//   u32 kSeekTableMagic, u32 bytes that follow,
//   per frame { u32 compressed size, u32 decompressed size },
//   u32 frames, u8 descriptor, u32 kSeekFooterMagic
//
// The road not taken: times in a file beside the stream are smaller to skip,
// but two files that are cut off at different places must be matched again;
// one frame around everything compresses a little better and loses everything
// that libzstd has not flushed.
#pragma once

#include "base/clock.h"
#include "base/error.h"

#include <chrono>
#include <span>
#include <vector>

namespace migscope::captures {

inline constexpr size_t kFrameBytes = 1u << 20;
inline constexpr Nanos kFrameAge = std::chrono::milliseconds(100);
// Keeps an index small where reads are tiny.
inline constexpr size_t kFrameChunks = 1u << 14;

inline constexpr uint32_t kSkippableMagic = 0x184D2A50; // low 4 bits are free
inline constexpr uint32_t kZstdMagic = 0xFD2FB528;
inline constexpr uint32_t kIndexFrameMagic = 0x184D2A5B;
inline constexpr uint32_t kIndexMagic = 0x5849534D;
inline constexpr uint8_t kIndexVersion = 1;
inline constexpr uint32_t kSeekTableMagic = 0x184D2A5E;
inline constexpr uint32_t kSeekFooterMagic = 0x8F92EAB1;
inline constexpr size_t kSkippableHeaderBytes = 8;
inline constexpr size_t kSeekFooterBytes = 9;

// `length` bytes of the stream from `offset` on, received at `arrival`.
struct Chunk {
  uint64_t offset = 0;
  uint32_t length = 0;
  MonoTime arrival;
};

// The largest index frame: two varints a chunk, of at most 3 and 10 bytes.
inline constexpr size_t kMaxIndexBytes = 44 + kFrameChunks * 13;

// Appends the index frame of a data frame. There is at least one chunk, and
// the chunks follow on one another.
void append_index(std::span<const Chunk> chunks, std::vector<std::byte>& out);

// `frame` is a whole frame that begins with kIndexFrameMagic. Fails with kind
// malformed, or unsupported where the version is newer.
[[nodiscard]] Result<std::vector<Chunk>>
parse_index(std::span<const std::byte> frame);

struct SeekEntry {
  uint32_t compressed = 0;
  uint32_t decompressed = 0;
};

void append_seek_table(std::span<const SeekEntry> entries,
                       std::vector<std::byte>& out);

} // namespace migscope::captures
