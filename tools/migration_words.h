// A migration's settings, as users write them.
#pragma once

#include "qmp/json.h"

#include <string>
#include <vector>

namespace migscope::tools {

// --capability k=on|off (k alone: on) and --parameter k=v, as QEMU's commands
// take them. A value that reads as a number or boolean is sent as one.
[[nodiscard]] Result<qmp::Json>
capability_arguments(const std::vector<std::string>& words);
[[nodiscard]] Result<qmp::Json>
parameter_arguments(const std::vector<std::string>& words);

} // namespace migscope::tools
