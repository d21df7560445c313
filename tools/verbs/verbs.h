// The verbs of the command. Each add_* declares its options on the command
// line and, when its verb was given, leaves what is to be run in `chosen`.
#pragma once

#include "tools/exit_status.h"

#include <functional>

namespace CLI {
class App;
}

namespace migscope::tools {

using Verb = std::function<ExitStatus()>;

void add_analyze(CLI::App& app, Verb& chosen);
void add_campaign(CLI::App& app, Verb& chosen);
void add_capture(CLI::App& app, Verb& chosen);
void add_devices(CLI::App& app, Verb& chosen);
void add_lab(CLI::App& app, Verb& chosen);
void add_memory(CLI::App& app, Verb& chosen);
void add_migrate(CLI::App& app, Verb& chosen);
void add_probe(CLI::App& app, Verb& chosen);
void add_record(CLI::App& app, Verb& chosen);
void add_report(CLI::App& app, Verb& chosen);
void add_results(CLI::App& app, Verb& chosen);
void add_tee(CLI::App& app, Verb& chosen);

} // namespace migscope::tools
