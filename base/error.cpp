#include "base/error.h"

#include <fmt/format.h>
#include <system_error>

namespace migscope {

std::string describe(const Error& error) {
  std::string out;
  if (!error.where.empty())
    out += error.where + ": ";
  if (error.offset)
    out += fmt::format("at {:#x}: ", *error.offset);
  return out + error.message;
}

tl::unexpected<Error> fail_errno(const std::string& action, int errno_value) {
  return fail(ErrorKind::io,
              fmt::format("{}: {}", action,
                          std::generic_category().message(errno_value)));
}

} // namespace migscope
