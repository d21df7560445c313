// The pause of a recorded migration on the recording host's wall clock, for
// what else was recorded there.
#pragma once

#include "analyzer/traffic/pace.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// From STOP to RESUME as analyze() has them. Fails where the recording does not
// tell of both.
[[nodiscard]] Result<WallPause>
recorded_pause(const captures::Recording& recording);

} // namespace migscope::analyzer
