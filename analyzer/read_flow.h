// The recorder's observations, put to the rounds and the pause they belong to.
#pragma once

#include "analyzer/downtime.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// Fills in the flows of `analysis`, whose rounds are there already and count
// from `zero`. `max-bandwidth` is looked at where `limited`. What is wrong with
// the files is told as problems.
void read_flows(Analysis& analysis, const captures::Recording& recording,
                const Timeline& timeline, const PauseMarks& pause,
                std::optional<MonoTime> zero, bool limited);

} // namespace migscope::analyzer
