// Manual pages in scdoc's language (scdoc(5)), around what the command says of
// its own options.
#pragma once

#include "tools/manual/command_doc.h"

namespace migscope::tools {

// The sections ARGUMENTS and OPTIONS of a verb.
[[nodiscard]] std::string manual_options(const VerbDoc& verb);
// The list of verbs, each with its page.
[[nodiscard]] std::string manual_verbs(const CommandDoc& command);

} // namespace migscope::tools
