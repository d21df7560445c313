// The pause as QEMU expected it beside the pause as it was, and the pass at
// which it would have been shortest.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/timeline.h"

namespace migscope::analyzer {

// Both need `analysis.passes`, `downtime` and `stop_and_copy`; nothing where
// these do not tell enough.
[[nodiscard]] std::optional<ExpectedDowntime>
expected_downtime(const Analysis& analysis, const Timeline& timeline);
[[nodiscard]] std::optional<MissedMinimum>
missed_minimum(const Analysis& analysis, const Timeline& timeline);

// What of it is worth telling, and why the migration did or did not switch.
[[nodiscard]] std::vector<Finding> hindsight(const Analysis& analysis);

} // namespace migscope::analyzer
