// The runs of a campaign, and the order in which they are made.
#pragma once

#include "tools/campaign/plan.h"

namespace migscope::tools {

// One migration to measure: places in the plan's lists.
struct RunSpec {
  size_t workload = 0, memory = 0, mode = 0, bandwidth = 0;
  uint64_t repetition = 1; // from 1
};

// Names of a run's coordinates.
struct RunNames {
  std::string workload, memory, mode, bandwidth;
};

[[nodiscard]] RunNames names_of(const Plan& plan, const RunSpec& run);

// A name for files, which no other run of the plan has:
// "game.256M.precopy.1Gbit-s.r2".
[[nodiscard]] std::string run_id(const Plan& plan, const RunSpec& run);

// All of them, in an order that the seed gives: the same everywhere. A
// disturbance that comes and goes hits no cell more than another.
[[nodiscard]] std::vector<RunSpec> ordered_runs(const Plan& plan);

// The workload's words for a guest of this size: N% is that part of it, in
// whole pages.
[[nodiscard]] std::string workload_words(const std::string& words,
                                         const std::string& memory);

// What `migscope lab` is called with for a run, without the program's name.
[[nodiscard]] std::vector<std::string>
lab_arguments(const Plan& plan, const RunSpec& run, const std::string& session);
// For `migscope record`, likewise.
[[nodiscard]] std::vector<std::string>
record_arguments(const Plan& plan, const std::string& session);

} // namespace migscope::tools
