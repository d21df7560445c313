// When the packets of a direction came, and its silences.
#pragma once

#include "analyzer/traffic/samples.h"
#include "analyzer/traffic/traffic.h"
#include "base/clock.h"

namespace migscope::analyzer {

// STOP and RESUME on the clock of the capture.
struct WallPause {
  WallTime stop, resume;
  std::optional<double> clock_error_ms; // of both together; unknown: absent
};

// The rule behind TrafficDirection::silences.
[[nodiscard]] double silence_limit_ms(double median_gap_ms);

class Pace {
public:
  static constexpr size_t kMostSilences = 256;

  // In the order of the capture. A packet whose time is before that of the one
  // before is taken to come with it.
  void add(WallTime at, SampleBudget& budget);

  // Sets the gaps and silences of `out`; `zero` is what its times count from.
  void tell(TrafficDirection& out, WallTime zero,
            const std::optional<WallPause>& pause) const;

private:
  struct Gap {
    Nanos length;
    WallTime start;
  };
  static bool longer(const Gap& a, const Gap& b) { return a.length > b.length; }
  void keep(const Gap& gap);

  std::optional<WallTime> newest_;
  Gap longest_{Nanos(0), {}};
  Samples gaps_;
  std::vector<Gap> kept_; // a heap, the shortest on top
  Nanos dropped_{0};      // the longest one not kept
};

} // namespace migscope::analyzer
