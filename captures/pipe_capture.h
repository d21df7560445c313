// Stores a stream that comes on a file descriptor (`migrate exec:`, a pipe) as
// channel 0 of a session.
#pragma once

#include "captures/session/manifest.h"

#include <memory>

struct uv_loop_s;

namespace migscope::captures {

class PipeCapture {
public:
  // `fd` is a pipe, socket or file open for reading; it is not closed.
  // `done` is called once, after the end of input or a read error, when all is
  // stored. While storage is behind, nothing is read. When storage fails, input
  // is still read to its end, so that the writer is not killed by SIGPIPE.
  [[nodiscard]] static Result<std::unique_ptr<PipeCapture>>
  start(uv_loop_s* loop, int fd, std::filesystem::path session, Clock& clock,
        std::function<void(const ChannelInfo&, Status)> done);
  ~PipeCapture();

  [[nodiscard]] uint64_t bytes() const; // taken in so far
  // Stops reading; what arrived is stored and `done` is called.
  void stop();

private:
  class Impl;
  explicit PipeCapture(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

} // namespace migscope::captures
