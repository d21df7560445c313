// From a prober's log to figures.
#pragma once

#include "analyzer/service/probes.h"
#include "analyzer/service/service.h"

namespace migscope::analyzer {

// STOP and RESUME on the recording host's clock.
struct PauseTimes {
  MonoTime stop, resume;
  std::optional<double> clock_error_ms; // of both together; unknown: absent
};

// Times are told since `zero`; without it, since the first probe. `pause`:
// where the migration's is known.
[[nodiscard]] Service measure(const ProbeSeries& series,
                              std::optional<MonoTime> zero = {},
                              const std::optional<PauseTimes>& pause = {});

} // namespace migscope::analyzer
