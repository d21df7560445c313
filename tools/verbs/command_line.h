// The whole command line: its verbs, and how its help looks.
#pragma once

#include "tools/verbs/verbs.h"

#include <memory>

namespace migscope::tools {

// Parsing leaves the verb that was given in `chosen`, which outlives the
// result.
[[nodiscard]] std::unique_ptr<CLI::App> make_command_line(Verb& chosen);

} // namespace migscope::tools
