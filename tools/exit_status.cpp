#include "tools/exit_status.h"

#include <cstdio>
#include <fmt/format.h>

namespace migscope::tools {

ExitStatus report(const Error& error) {
  if (error.kind == ErrorKind::interrupted)
    return ExitStatus::interrupted;
  fmt::print(stderr, "migscope: {}\n", describe(error));
  return error.kind == ErrorKind::usage ? ExitStatus::usage
                                        : ExitStatus::failed;
}

} // namespace migscope::tools
