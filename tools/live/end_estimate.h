// When a migration will be over, if it goes on as it does.
#pragma once

#include "tools/live/live_model.h"

namespace migscope::tools {

struct EndEstimate {
  // From now; no `latest_s`: perhaps never; neither: not as it goes, or
  // unknown.
  std::optional<double> earliest_s, latest_s;
  std::string text;
};

// Precopy: the rest of this pass and the passes after it, each smaller than the
// one before by as much as the dirty rate is smaller than the bandwidth, and as
// passes have been getting smaller; the two, and the last passes among
// themselves, are what earliest and latest differ by.
[[nodiscard]] EndEstimate estimate_end(const LiveModel& model);

} // namespace migscope::tools
