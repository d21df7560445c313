#include "captures/stream/window.h"

#include <fmt/format.h>

namespace migscope::captures {

tl::unexpected<Error> malformed(uint64_t offset, std::string message) {
  return fail(Error{ErrorKind::malformed, std::move(message), {}, offset});
}

tl::unexpected<Error> unsupported(uint64_t offset, std::string message) {
  return fail(Error{ErrorKind::unsupported, std::move(message), {}, offset});
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c >= 0x20 && c < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out + "\"";
}

} // namespace migscope::captures
