// The bytes of one stream connection, in one direction, wherever they are.
#pragma once

#include "captures/session/channel_format.h"

#include <memory>

namespace migscope {
class TaskPool;
}

namespace migscope::captures {

// Positions count from the stream's first byte.
class ByteSource {
public:
  virtual ~ByteSource() = default;

  // Known size of the stream; nothing for a pipe or compressed data.
  [[nodiscard]] virtual std::optional<uint64_t> bytes() const = 0;
  // Where in its file the stream begins, for offsets that a user can look up
  // and for those that mapped-ram counts from there. 0 too where the stream
  // does not stand in the file as it is: compressed, in pieces.
  [[nodiscard]] virtual uint64_t origin() const { return 0; }
  // Arrival times; empty where nobody took them.
  [[nodiscard]] virtual std::span<const Chunk> chunks() const { return {}; }
  // What is odd about what the stream came in, but lets it be read.
  [[nodiscard]] virtual std::span<const Error> remarks() const { return {}; }
  // The next piece, which lives until the next call; empty after the last. A
  // torn or broken storage gives what is readable, then the error.
  [[nodiscard]] virtual Result<std::span<const std::byte>> next() = 0;
  // While somebody holds it, the piece that was given last stays where it is.
  // Null where nothing keeps it.
  [[nodiscard]] virtual std::shared_ptr<const void> keep() const { return {}; }
  // The pool's threads may make pieces ready from now on: all bytes are going
  // to be looked at. It outlives this.
  virtual void read_ahead(TaskPool& /*pool*/) {}
  // Leaves out the next bytes, a hole in a file of any size in no time. False
  // where they are not there or would have to be read: nothing is left out.
  [[nodiscard]] virtual bool skip(uint64_t /*bytes*/) { return false; }
  // The last bytes, `most` at the most; empty where they cannot be had
  // without reading the whole (a pipe, compressed data).
  [[nodiscard]] virtual Result<std::vector<std::byte>> tail(size_t most) = 0;
};

} // namespace migscope::captures
