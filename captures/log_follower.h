// Follows a log that another program writes, and stores what comes with its
// time of arrival, as a channel is stored (docs/session-format.md).
//
// A regular file is followed from its end at the time of opening: through a
// truncation, and to a new file of its name. What was written between the last
// poll and a truncation is lost. From a FIFO is read what comes, from whoever
// opens it.
#pragma once

#include "captures/containers/file_descriptor.h"
#include "captures/sink.h"

#include <deque>

namespace migscope::captures {

class LogFollower {
public:
  // `notice`: something the user should know; one sentence.
  [[nodiscard]] static Result<std::unique_ptr<LogFollower>>
  open(std::filesystem::path log, std::function<void(std::string)> notice);

  // Stores in the file `stored`, which is created, from here on.
  void start(const std::filesystem::path& stored);
  // Takes in what there is. Never waits: not for the log, and where storage is
  // behind nothing is read. An arrival is known as well as this is often
  // called.
  void poll(MonoTime now);
  // Waits until all is stored.
  void close();

  [[nodiscard]] uint64_t bytes() const { return sink_ ? sink_->bytes() : 0; }
  // Why storing ended early.
  [[nodiscard]] std::optional<Error> failure() const;

private:
  struct Input {
    FileDescriptor fd;
    uint64_t offset = 0; // of what is read next, in a regular file
  };

  LogFollower(std::filesystem::path log, bool fifo,
              std::function<void(std::string)> notice)
      : log_(std::move(log)), fifo_(fifo), notice_(std::move(notice)) {}

  void read_all(Input& input, MonoTime now);
  void look_for_truncation(Input& input);
  void look_for_rotation();

  std::filesystem::path log_;
  bool fifo_;
  std::function<void(std::string)> notice_;
  // The newest is last. The one before is read too: a writer that knows nothing
  // of the rotation goes on in it.
  std::deque<Input> inputs_;
  std::optional<Sink> sink_;
  bool failed_ = false; // reading has; told
};

} // namespace migscope::captures
