// Why rounds did or did not shrink.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/timeline.h"

namespace migscope::analyzer {

// The round that turned, what throttling did to the dirty rate, what xbzrle
// saved, and the pages that never cooled; each only where the figures say
// something.
[[nodiscard]] std::vector<Finding>
convergence_findings(const Analysis& analysis, const Timeline& timeline);

} // namespace migscope::analyzer
