// An analysis as JSON, schema "migscope/analysis-1" (docs/analysis-json.md).
#pragma once

#include "analyzer/analysis.h"
#include "qmp/json.h"

namespace migscope::tools {

[[nodiscard]] qmp::Json render_json(const analyzer::Analysis& analysis);

} // namespace migscope::tools
