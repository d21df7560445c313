#include "base/byte_cursor.h"

#include <fmt/format.h>

namespace migscope {

Error ByteCursor::short_read(std::string_view what, size_t need) const {
  return {ErrorKind::truncated,
          fmt::format("{}: need {} bytes, have {}", what, need, left()),
          {},
          offset()};
}

Result<std::span<const std::byte>> ByteCursor::take(size_t count,
                                                    std::string_view what) {
  if (left() < count)
    return fail(short_read(what, count));
  auto out = bytes_.subspan(at_, count);
  at_ += count;
  return out;
}

Result<std::string_view> ByteCursor::counted_string(std::string_view what) {
  if (left() < 1)
    return fail(short_read(what, 1));
  size_t length = std::to_integer<size_t>(bytes_[at_]);
  if (left() < 1 + length)
    return fail(short_read(what, 1 + length));
  std::string_view out(reinterpret_cast<const char*>(&bytes_[at_ + 1]), length);
  at_ += 1 + length;
  return out;
}

} // namespace migscope
