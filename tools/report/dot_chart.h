// A chart of values in groups, as a picture that needs no script.
#pragma once

#include "tools/report/report_data.h"

namespace migscope::tools {

// SVG in a figure. Its axis begins at 0. What it shows is to stand in a table,
// too: for readers of screens it is one picture with a name.
[[nodiscard]] std::string dot_chart(const DotChart& chart);

} // namespace migscope::tools
