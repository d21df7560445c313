// Reads what ChannelWriter stored, whole or cut off at any byte.
#pragma once

#include "captures/session/channel_format.h"

#include <filesystem>
#include <memory>

namespace migscope::captures {

class ChannelReader {
public:
  // Reads the seek table, or walks the frames where it is missing. A file that
  // is no zstd file fails with kind malformed; a torn tail does not fail.
  [[nodiscard]] static Result<std::unique_ptr<ChannelReader>>
  open(const std::filesystem::path& path);
  ~ChannelReader();

  // Stream bytes that can be read.
  [[nodiscard]] uint64_t bytes() const;
  // Set where the tail is torn: what was found where the file breaks. A data
  // frame whose times are damaged is told here too; its bytes are read.
  [[nodiscard]] const std::optional<Error>& torn() const;
  // All chunks, ascending. Empty for a zstd file of another writer.
  [[nodiscard]] const std::vector<Chunk>& chunks() const;

  // Independent pieces, for parallel reading: piece i covers
  // [piece_offset(i), piece_offset(i + 1)).
  [[nodiscard]] size_t pieces() const;
  [[nodiscard]] uint64_t piece_offset(size_t piece) const;
  // Decompresses one piece into `out` (resized). May be called from several
  // threads. Fails with kind malformed and the file offset.
  [[nodiscard]] Status read_piece(size_t piece,
                                  std::vector<std::byte>& out) const;

private:
  class Impl;
  explicit ChannelReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The chunk that holds the byte at `offset`; the end where none does.
[[nodiscard]] std::span<const Chunk>::iterator
chunk_at(std::span<const Chunk> chunks, uint64_t offset);

// The time at which the byte at `offset` arrived; nothing outside the chunks.
[[nodiscard]] std::optional<MonoTime> arrival_of(std::span<const Chunk> chunks,
                                                 uint64_t offset);

} // namespace migscope::captures
