// Both QEMUs' clocks, from all that the recording tells of them.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/stream_model.h"
#include "analyzer/timeline.h"
#include "captures/session/channel_reader.h"

namespace migscope::analyzer {

// A precopy stream's marks and the arrivals of its channel; may be empty.
struct StreamTimes {
  StreamMarks marks;
  std::span<const captures::Chunk> chunks;
};

// Sets the clocks of `timeline` and says what is known of them.
[[nodiscard]] Clocks find_clocks(Timeline& timeline, bool source_local,
                                 bool destination_local,
                                 const StreamTimes& stream);

} // namespace migscope::analyzer
