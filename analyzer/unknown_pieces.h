// Which pieces of the pause a recording cannot tell of, and why.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/timeline.h"

namespace migscope::analyzer {

// Goes by the pieces that there are. Nothing where all are known, of a
// migration that did not complete, and of a bare stream, whose report begins
// with it.
[[nodiscard]] std::optional<Finding>
unknown_pieces_finding(const Analysis& analysis, const Timeline& timeline);

} // namespace migscope::analyzer
