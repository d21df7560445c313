// The service that a guest gives, as somebody sees it who asks it all the time.
//
// All delays are round trips: from a probe's sending to its answer's arrival.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace migscope::analyzer {

// STOP and RESUME on the recording host's clock.
struct PauseTimes {
  MonoTime stop, resume;
  std::optional<double> clock_error_ms; // of both together; unknown: absent
};

// A silence that is no chance: for so many probes' turns no answer came.
inline constexpr uint64_t kOutageProbes = 10;
// A probe whose answer took longer is told as late.
inline constexpr Nanos kLate = std::chrono::milliseconds(100);

// From one answer to the next.
struct Outage {
  double start_ms = 0; // arrival of the last answer before; see Service::zero
  // How long no answer came; of one that had not ended, to the last probe.
  double silent_ms = 0;
  bool ended = true;
  uint64_t probes = 0;         // whose answers were due in it
  uint64_t lost = 0, late = 0; // of these
};

// The silence around the pause, from the sending of the last probe that was
// answered before it (so that the guest still ran then) to the first answer
// after it.
struct PauseOutage {
  double start_ms = 0;
  double before_ms = 0;                 // until STOP: of the probe's own pace
  double pause_ms = 0;                  // STOP to RESUME: the hypervisor
  std::optional<double> recovery_ms;    // until an answer came: the network
  std::optional<double> total_ms;       // of the three
  std::optional<double> clock_error_ms; // of STOP and RESUME
  uint64_t lost = 0, late = 0;          // of the probes sent in it
};

// In one of a number of equal stretches of the time of probing.
struct ServiceStretch {
  double start_ms = 0, duration_ms = 0;
  uint64_t sent = 0, lost = 0;
  std::optional<double> min_ms, max_ms; // delays, by sending
};

struct Service {
  std::string target;
  double interval_ms = 0;
  double start_ms = 0;    // of the first probe
  double duration_ms = 0; // to the last one
  uint64_t sent = 0, answered = 0, lost = 0;
  uint64_t late = 0;       // answered after kLate
  uint64_t duplicates = 0; // answers that came again
  // Answers that came after one to a later probe (RFC 4737, type P).
  uint64_t reordered = 0;
  std::optional<double> loss_percent;
  std::optional<double> min_ms, median_ms, mean_ms, p99_ms, max_ms;
  // See Jitter; of the delays, by arrival.
  std::optional<double> jitter_rfc3550_ms; // mean of the running estimate
  std::optional<double> jitter_rfc3550_max_ms;
  std::optional<double> jitter_difference_ms; // mean absolute difference
  // Bits/s of the answers, headers of IP and above included.
  std::optional<double> throughput;
  double longest_gap_ms = 0; // between two probes: for so long none was sent
  std::vector<Outage> outages;
  std::optional<PauseOutage> pause;
  std::vector<ServiceStretch> stretches;
  uint64_t failures = 0; // that the system told of sending
  std::string failure;   // the first of them
};

} // namespace migscope::analyzer
