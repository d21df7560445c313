// An analysis for a terminal of 80 columns. The first five lines answer:
// outcome, total time, downtime, what it was made of, rounds and why so many.
#pragma once

#include "analyzer/analysis.h"

namespace migscope::tools {

[[nodiscard]] std::string render_text(const analyzer::Analysis& analysis);

// What was wrong with an input, a paragraph; empty where nothing was.
[[nodiscard]] std::string
problems_list(const std::vector<analyzer::Problem>& problems);

} // namespace migscope::tools
