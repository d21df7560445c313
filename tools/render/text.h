// An analysis for a terminal of 80 columns. The first five lines answer:
// outcome, total time, downtime, what it was made of, rounds and why so many.
#pragma once

#include "analyzer/analysis.h"

namespace migscope::tools {

[[nodiscard]] std::string render_text(const analyzer::Analysis& analysis);

} // namespace migscope::tools
