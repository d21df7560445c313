// Samples and marks, as part of `migscope analyze --json`.
#pragma once

#include "analyzer/analysis.h"
#include "qmp/json.h"

namespace migscope::tools {

[[nodiscard]] qmp::Json time_series_json(const analyzer::TimeSeries& value);

} // namespace migscope::tools
