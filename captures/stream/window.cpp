#include "captures/stream/window.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace migscope::captures {

tl::unexpected<Error> malformed(uint64_t offset, std::string message) {
  return fail(Error{ErrorKind::malformed, std::move(message), {}, offset});
}

tl::unexpected<Error> unsupported(uint64_t offset, std::string message) {
  return fail(Error{ErrorKind::unsupported, std::move(message), {}, offset});
}

size_t find_byte(const Window& in, size_t at, size_t end, uint8_t byte) {
  if (at >= end)
    return end;
  const void* hit = std::memchr(in.bytes.data() + at, byte, end - at);
  if (!hit)
    return end;
  return static_cast<size_t>(static_cast<const std::byte*>(hit) -
                             in.bytes.data());
}

bool is_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c >= 0x20 && c < 0x7f;
  });
}

bool is_plain(std::string_view text) {
  return is_text(text) && text.find(' ') == text.npos;
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
