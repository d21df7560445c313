// Text from hostile input, in JSON.
#pragma once

#include "qmp/json.h"

namespace migscope::tools {

// Names come from the input as they are; JSON has to be UTF-8. Where they are
// not, what is not ASCII becomes '?'.
[[nodiscard]] qmp::Json json_text(const std::string& value);

} // namespace migscope::tools
