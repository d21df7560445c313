// Opens whatever a user calls a capture: a session directory, a bare stream
// file, a zstd file or a pipe.
#pragma once

#include "captures/session/channel_reader.h"
#include "captures/session/manifest.h"

namespace migscope::captures {

// The bytes of one stream connection, in one direction.
class ByteSource {
public:
  virtual ~ByteSource() = default;

  // Known size; nothing for a pipe.
  [[nodiscard]] virtual std::optional<uint64_t> bytes() const = 0;
  // Arrival times; empty where nobody took them.
  [[nodiscard]] virtual std::span<const Chunk> chunks() const { return {}; }
  // The next piece, which lives until the next call; empty after the last. A
  // torn or broken storage gives what is readable, then the error.
  [[nodiscard]] virtual Result<std::span<const std::byte>> next() = 0;
  // The last bytes, `most` at the most; empty where they cannot be had
  // without reading the whole (a pipe).
  [[nodiscard]] virtual Result<std::vector<std::byte>> tail(size_t most) = 0;
};

// A file (mapped), a zstd file of any writer, or a pipe, told apart by what
// they are and how they begin.
[[nodiscard]] Result<std::unique_ptr<ByteSource>>
open_source(const std::filesystem::path& path);

// One stream connection of a recording.
struct RecordedChannel {
  std::string name; // file name, for messages
  std::filesystem::path path;
  // Where its other direction was stored.
  std::optional<std::filesystem::path> return_path = {};
};

// What stands under a path that a user gave.
struct Recording {
  std::filesystem::path path;
  // Absent for a bare stream.
  std::optional<Manifest> manifest;
  std::optional<std::filesystem::path> monitor_log;
  std::vector<RecordedChannel> channels; // source to destination
};

// Fails where there is nothing to read, saying what the path is instead.
[[nodiscard]] Result<Recording>
open_recording(const std::filesystem::path& path);

} // namespace migscope::captures
