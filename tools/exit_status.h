// What the command's exit status means; part of its contract.
#pragma once

#include "base/error.h"

namespace migscope::tools {

enum class ExitStatus : int {
  done = 0,
  failed = 1,
  usage = 2,
  incomplete = 3, // done, but the input was incomplete or damaged
  interrupted = 130,
};

// Prints the error and gives its status.
[[nodiscard]] ExitStatus report(const Error& error);

} // namespace migscope::tools
