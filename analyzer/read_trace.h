// The QEMU logs of a recording, read for their trace lines.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/trace_marks.h"
#include "captures/sources.h"

namespace migscope::analyzer {

// Nothing where the log of that end was not recorded, cannot be read, or holds
// no trace of a migration. What is wrong with it becomes a problem of `input`.
[[nodiscard]] std::optional<TraceMarks>
read_trace(const captures::Recording& recording, captures::End end,
           Input& input);

} // namespace migscope::analyzer
