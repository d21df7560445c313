// What the verbs that follow a migration let the user say of QEMU's trace.
#pragma once

#include "tools/trace_run.h"

namespace CLI {
class App;
}

namespace migscope::tools {

struct TraceOptions {
  bool trace = false;
  std::string source_log, destination_log;
};

// Adds --trace, --source-log and --destination-log. `options` outlives the
// parse.
void declare_trace(CLI::App& verb, TraceOptions& options);
[[nodiscard]] TracePlan trace_plan(const TraceOptions& options);
// Adds them to what session.json says of the options.
void describe_trace(const TraceOptions& options, qmp::Json& description);

} // namespace migscope::tools
