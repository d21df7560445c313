// What the charts of a report draw, as JSON for their script
// (tools/report/assets/*.js).
#pragma once

#include "qmp/json.h"
#include "tools/report/report_data.h"

namespace migscope::tools {

[[nodiscard]] qmp::Json chart_json(const std::vector<ChartData>& charts);

} // namespace migscope::tools
