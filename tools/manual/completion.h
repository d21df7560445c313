// Completion of the command line by the shells.
#pragma once

#include "tools/manual/command_doc.h"

namespace migscope::tools {

[[nodiscard]] std::string bash_completion(const CommandDoc& command);
[[nodiscard]] std::string zsh_completion(const CommandDoc& command);
[[nodiscard]] std::string fish_completion(const CommandDoc& command);

} // namespace migscope::tools
