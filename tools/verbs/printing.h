// The result of a verb, on standard output.
#pragma once

#include "base/error.h"

#include <string_view>

namespace migscope::tools {

// All of it, flushed: a full disk and a reader that has gone are errors.
[[nodiscard]] Status print_result(std::string_view text);

} // namespace migscope::tools
