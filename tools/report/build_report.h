// From analyses to what a report shows of them.
#pragma once

#include "analyzer/analysis.h"
#include "tools/report/report_data.h"

#include <vector>

namespace migscope::tools {

struct Run {
  std::string name; // as it was given
  analyzer::Analysis analysis;
};

[[nodiscard]] ReportData build_report(const Run& run);

// Of two runs or more; differences are against the first.
[[nodiscard]] ReportData build_comparison(std::vector<Run> runs);

} // namespace migscope::tools
