// Asks a guest at a steady rate and notes when its answers come.
//
// A thread of its own sends and receives, so that nothing else that the
// program does moves the times. An answer is timed by the kernel as it comes in
// (SO_TIMESTAMPNS); a probe by the clock right before it is handed over.
#pragma once

#include "captures/probe/probe_target.h"
#include "captures/session/probe_log.h"

#include <memory>
#include <vector>

namespace migscope::captures {

struct ProbePlan {
  ProbeTarget target;
  Nanos interval = std::chrono::milliseconds(2);
};

class Prober {
public:
  // `clock` outlives it and may be read by any thread. A target that does not
  // answer is no failure. For ICMP where the system keeps unprivileged sockets
  // from it (net.ipv4.ping_group_range), root is needed.
  [[nodiscard]] static Result<std::unique_ptr<Prober>>
  start(const ProbePlan& plan, Clock& clock);
  virtual ~Prober() = default; // ends it at once

  [[nodiscard]] virtual const ProbeSetup& setup() const = 0;
  // What has come since the last call, by time.
  [[nodiscard]] virtual std::vector<ProbeMark> take() = 0;
  // From its return on nothing is sent; answers still count.
  virtual void stop_sending() = 0;
};

} // namespace migscope::captures
