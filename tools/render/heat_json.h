// The map of memory of `migscope analyze --json`.
#pragma once

#include "analyzer/pages/heat_map.h"
#include "qmp/json.h"

namespace migscope::tools {

// As short as the map is plain: bins that follow each other in memory are told
// of together, and so are cells of a column with the same counts.
[[nodiscard]] qmp::Json heat_map_json(const analyzer::HeatMap& value);

} // namespace migscope::tools
