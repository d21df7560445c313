// --probe and what belongs to it.
#pragma once

#include "captures/probe/prober.h"

#include <optional>
#include <string>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace migscope::tools {

struct ProbeOptions {
  std::string target; // empty: none
  double interval_ms = 2;
};

// Adds --probe and --probe-interval. `options` outlives the verb.
void declare_probe(CLI::App& verb, ProbeOptions& options);
// The pace of probes, by this name.
CLI::Option* declare_probe_interval(CLI::App& verb, const char* name,
                                    double& interval_ms);

// Nothing where no probe was asked for.
[[nodiscard]] Result<std::optional<captures::ProbePlan>>
probe_plan(const ProbeOptions& options);

} // namespace migscope::tools
