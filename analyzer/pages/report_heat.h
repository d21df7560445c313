// From counts by RAM section to a map by round.
#pragma once

#include "analyzer/pages/heat_map.h"
#include "analyzer/pages/owners.h"

namespace migscope::analyzer {

// Nothing where there was too much to count. `owners` may be null.
[[nodiscard]] std::optional<HeatMap> report_heat(const StreamModel& model,
                                                 const RoundsOfPages& rounds,
                                                 const GuestLayout& layout,
                                                 const Owners* owners);

} // namespace migscope::analyzer
