// Where the bytes of one direction go to be stored, and what that cost.
//
// Belongs to the event loop's thread; close() alone may run on another.
#pragma once

#include "captures/session/channel_writer.h"

namespace migscope::captures {

class Sink {
public:
  // A file that cannot be created is a failure to store like any other later:
  // the stream goes on. `notify`: see ChannelWriter.
  Sink(const std::filesystem::path& path, std::function<void()> notify);

  void put(std::span<const std::byte> bytes, MonoTime arrival);

  // Storage is behind: nothing more should be read.
  [[nodiscard]] bool behind() const { return waiting_since_.has_value(); }
  // Looks whether it has caught up.
  void check(MonoTime now);

  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] Nanos stalled() const { return stalled_; }
  // Why and after how many bytes storing ended early.
  [[nodiscard]] std::optional<Error> failure() const;

  // Waits until all is stored.
  void close();

private:
  std::unique_ptr<ChannelWriter> writer_; // none: see no_file_
  std::optional<Error> no_file_;
  uint64_t bytes_ = 0;
  Nanos stalled_{0};
  std::optional<MonoTime> waiting_since_;
};

} // namespace migscope::captures
