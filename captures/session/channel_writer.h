// Stores the bytes of one direction of one stream connection, with arrival
// times, as channel-N.zst or channel-N.return.zst. Layout: channel_format.h.
#pragma once

#include "base/clock.h"
#include "base/error.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

namespace migscope::captures {

// Compression and disk writes run on a thread of the writer's own, behind a
// bounded queue, so that the caller (an event loop) never waits for the disk.
// Everything up to the last closed frame survives kill -9; a frame is closed
// when it holds kFrameBytes or is kFrameAge old.
class ChannelWriter {
public:
  // Creates the file, mode 0600; fails where it exists. `notify` is called on
  // the writer's thread when a full queue has room again and when storing
  // fails; it must not call the writer.
  [[nodiscard]] static Result<std::unique_ptr<ChannelWriter>>
  create(const std::filesystem::path& path,
         std::function<void()> notify = nullptr);
  ~ChannelWriter(); // as close(), the result dropped

  // Takes a copy of a chunk that arrived at `arrival`. False: the queue is
  // full after this chunk and the caller should stop reading until
  // `can_take_more`. After a failure chunks are dropped.
  [[nodiscard]] bool append(std::span<const std::byte> chunk, MonoTime arrival);
  [[nodiscard]] bool can_take_more() const;

  // Bytes that are on their way to the disk or there; after a failure, bytes
  // stored for certain.
  [[nodiscard]] uint64_t stored_bytes() const;
  // The first failure to store (a full disk), as soon as it has happened.
  [[nodiscard]] std::optional<Error> failure() const;

  // Writes the rest and the seek table. Returns the first failure, if any.
  [[nodiscard]] Status close();

private:
  class Impl;
  explicit ChannelWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace migscope::captures
