// The pause of a recorded migration on the recording host's wall clock, for
// what else was recorded there.
#pragma once

#include "analyzer/traffic/pace.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// From STOP to RESUME, by the monitors of `recording`. Where they are on other
// hosts, their clocks are bounded as everywhere (docs/figures.md). Fails where
// the recording does not tell of both.
[[nodiscard]] Result<WallPause>
recorded_pause(const captures::Recording& recording);

} // namespace migscope::analyzer
