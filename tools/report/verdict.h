// An analysis in two sentences, and its figures at a glance.
#pragma once

#include "analyzer/analysis.h"
#include "tools/report/report_data.h"

namespace migscope::tools {

// What happened, and why.
[[nodiscard]] VerdictText verdict(const analyzer::Analysis& analysis);
[[nodiscard]] std::vector<Fact> facts(const analyzer::Analysis& analysis);

} // namespace migscope::tools
