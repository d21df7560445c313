// What the verbs that start a migration let the user set of it: one set of
// options, declared and read in one place.
#pragma once

#include "tools/migration.h"

namespace CLI {
class App;
}

namespace migscope::tools {

struct Tuning {
  std::vector<std::string> capabilities, parameters; // NAME=VALUE
  int interval_ms = 50;                              // between samples
  std::optional<uint64_t> postcopy_after;            // passes
  double limit_s = 0;                                // 0: none
};

// Adds --capability, --parameter, --postcopy-after, --limit and --interval.
// `tuning` outlives the parse.
void declare_tuning(CLI::App& verb, Tuning& tuning);

// --interval alone. `interval_ms` outlives the parse.
void declare_interval(CLI::App& verb, int& interval_ms);

// A plan with these settings; where to migrate to is left for the caller.
[[nodiscard]] Result<MigrationPlan> tuned_plan(const Tuning& tuning);

// What both ends are recorded with: samples as asked, events turned on.
[[nodiscard]] captures::RecorderOptions recorder_options(const Tuning& tuning);

} // namespace migscope::tools
