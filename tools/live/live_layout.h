// The live view of a migration for a screen of any size, the most important
// things first: what is in its way, when it will be over, then figures, curves
// and the passes' answers.
#pragma once

#include "tools/live/end_estimate.h"
#include "tools/live/live_canvas.h"

namespace migscope::tools {

struct ScreenSize {
  size_t columns = 80, rows = 24;
};

// `unicode`: the terminal shows more than ASCII.
[[nodiscard]] LiveCanvas lay_out(const LiveModel& model, ScreenSize size,
                                 bool unicode);

} // namespace migscope::tools
