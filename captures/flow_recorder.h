// Stores what the connections of a tee see, in one file of the session.
#pragma once

#include "captures/session/flow_log.h"

namespace migscope::captures {

class FlowRecorder {
public:
  // The file is created by the first put().
  explicit FlowRecorder(std::filesystem::path path) : path_(std::move(path)) {}

  void put(const FlowObservation& observation);
  // From time to time, and at the end.
  void flush();
  // Why storing ended, once.
  [[nodiscard]] std::optional<Error> take_failure();

private:
  void keep(const Status& done);

  std::filesystem::path path_;
  std::unique_ptr<FlowLogWriter> log_;
  std::optional<Error> failure_;
  bool failed_ = false;
};

} // namespace migscope::captures
