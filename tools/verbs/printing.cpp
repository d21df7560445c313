#include "tools/verbs/printing.h"

#include <cstdio>

namespace migscope::tools {

Status print_result(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fflush(stdout) != 0)
    return fail(ErrorKind::io, "cannot write to standard output");
  return {};
}

} // namespace migscope::tools
