// Delays of probes over time, as a picture that needs no script.
#pragma once

#include "tools/report/report_data.h"

namespace migscope::tools {

// SVG in a figure: for each stretch of time the range of its delays, and in red
// which part of its probes was lost; the pause is shaded.
[[nodiscard]] std::string service_chart(const ServiceChart& chart);

} // namespace migscope::tools
