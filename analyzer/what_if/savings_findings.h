// Says in sentences what a feature would have saved, where that is a twentieth
// of what was sent at least, or nothing although there was much to save.
#pragma once

#include "analyzer/analysis.h"

namespace migscope::analyzer {

// From analysis.what_if, which is there, to analysis.findings.
void add_savings_findings(Analysis& analysis);

} // namespace migscope::analyzer
