// A running migration in Prometheus' text format, version 0.0.4.
#pragma once

#include "tools/live/live_model.h"

#include <string>

namespace migscope::tools {

inline constexpr const char* kExpositionType =
    "text/plain; version=0.0.4; charset=utf-8";

// Names and units by Prometheus' conventions: seconds, bytes, ratios, counters
// in _total. What is not known has no sample, for absent is not zero.
[[nodiscard]] std::string exposition(const LiveModel& model);

} // namespace migscope::tools
