// What a campaign takes from each run.
#pragma once

#include "analyzer/analysis.h"

#include <map>
#include <span>
#include <string>

namespace migscope::tools {

struct MeasureInfo {
  std::string name;  // "downtime_ms"
  std::string title; // "downtime"
  std::string unit;  // "ms"
};

// "downtime, ms"
[[nodiscard]] std::string heading(const MeasureInfo& measure);

// All of them, in the order in which they are told.
[[nodiscard]] std::span<const MeasureInfo> measures();

// Those that a run has, by name.
[[nodiscard]] std::map<std::string, double>
measure_run(const analyzer::Analysis& analysis);

} // namespace migscope::tools
