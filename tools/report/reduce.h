// Series with as many points as a screen can show.
#pragma once

#include "tools/report/report_data.h"

namespace migscope::tools {

// Cuts the time into `buckets` alike and keeps of each its first, smallest,
// largest and last value, and that there was a gap: no peak is lost, and a line
// through what is left covers the same pixels. A curve that has no more points
// than that stays as it is. Times ascend.
[[nodiscard]] Curve reduced(Curve curve, size_t buckets);

// Of so many items in a row at most `most` groups: first and behind the last.
[[nodiscard]] std::vector<std::pair<size_t, size_t>> grouped(size_t items,
                                                             size_t most);

} // namespace migscope::tools
