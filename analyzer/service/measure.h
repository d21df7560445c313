// From a prober's log to figures.
#pragma once

#include "analyzer/service/probes.h"
#include "analyzer/service/service.h"

namespace migscope::analyzer {

// Times are told since `zero`; without it, since the first probe. `pause`:
// where the migration's is known.
[[nodiscard]] Service measure(const ProbeSeries& series,
                              std::optional<MonoTime> zero = {},
                              const std::optional<PauseTimes>& pause = {});

} // namespace migscope::analyzer
