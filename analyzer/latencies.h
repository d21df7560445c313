// How long things took, as a distribution.
#pragma once

#include "analyzer/analysis.h"
#include "base/clock.h"

#include <vector>

namespace migscope::analyzer {

// `waits` are positive.
[[nodiscard]] Latencies latencies(std::vector<Nanos> waits);

} // namespace migscope::analyzer
