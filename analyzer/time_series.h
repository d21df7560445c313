// The monitors' samples and marks on the axis of the migration.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/rounds.h"

namespace migscope::analyzer {

// `zero`: as round_zero(); nothing is told without one. `page_size`: of the
// pages that dirty rates count.
[[nodiscard]] TimeSeries time_series(const Timeline& timeline,
                                     std::optional<MonoTime> zero,
                                     const std::vector<SyncMark>& syncs,
                                     std::optional<uint32_t> page_size);

} // namespace migscope::analyzer
