// Sessions of one migration that were recorded on several hosts: the monotonic
// clock of one means nothing on another.
#pragma once

#include "analyzer/analysis.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// The recording without the logs and arrival times that are not on the clock of
// its first session. Warns of each session that they are of.
[[nodiscard]] captures::Recording
on_one_clock(const captures::Recording& recording, Input& input);

} // namespace migscope::analyzer
