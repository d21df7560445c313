// What the QEMUs' own traces tell of the pause.
#pragma once

#include "analyzer/downtime.h"

namespace migscope::analyzer {

// Fills in the marks that come from traces; those that a trace lacks stay as
// they are. Times are put on our axis by each host's clock, or, where a log has
// no times, are the lines' arrivals.
void add_trace(PauseMarks& marks, const Timeline& timeline, bool postcopy);

// How long each device took to be saved and loaded: by its own figures (8.2 and
// later), before by its section's begin and end. `all` are in stream order.
void add_trace_times(std::span<DeviceState> all, const Timeline& timeline);

} // namespace migscope::analyzer
