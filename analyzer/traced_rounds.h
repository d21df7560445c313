// Rounds by QEMU's own trace: how many RAM sections it had begun at each sync
// tells between which two of them the sync lies, exactly.
#pragma once

#include "analyzer/rounds.h"
#include "analyzer/trace_marks.h"

namespace migscope::analyzer {

// Nothing where the trace does not tell of the whole migration, from its setup
// on and of as many sections as the stream has, or where the two contradict
// each other.
[[nodiscard]] std::optional<std::vector<RoundStart>>
traced_rounds(const std::vector<RamSection>& sections, const TraceMarks& trace,
              const ClockMap& clock);

} // namespace migscope::analyzer
