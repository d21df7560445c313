// From a recording to its analysis: reads the monitors' dialogue and the
// stream once each, then joins them.
#pragma once

#include "analyzer/analysis.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// Damage in the input is told in the result (Input::problems, complete); an
// error means that there was nothing to analyze.
[[nodiscard]] Result<Analysis> analyze(const captures::Recording& recording);

} // namespace migscope::analyzer
