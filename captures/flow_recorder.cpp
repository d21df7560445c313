#include "captures/flow_recorder.h"

#include <utility>

namespace migscope::captures {

void FlowRecorder::keep(const Status& done) {
  if (!done && !std::exchange(failed_, true))
    failure_ = done.error();
}

void FlowRecorder::put(const FlowObservation& observation) {
  if (failed_)
    return;
  if (!log_) {
    auto created = FlowLogWriter::create(path_);
    if (!created)
      return keep(fail(created.error()));
    log_ = *std::move(created);
  }
  keep(log_->append(observation));
}

void FlowRecorder::flush() {
  if (log_ && !failed_)
    keep(log_->flush());
}

std::optional<Error> FlowRecorder::take_failure() {
  return std::exchange(failure_, std::nullopt);
}

} // namespace migscope::captures
