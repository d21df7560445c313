// A report as one HTML file that needs nothing else.
#pragma once

#include "tools/report/report_data.h"

namespace migscope::tools {

// The page asks for nothing from anywhere, and a Content-Security-Policy sees
// to it: of all scripts and styles only the page's own run, by their digests.
[[nodiscard]] std::string render_html(const ReportData& report);

} // namespace migscope::tools
