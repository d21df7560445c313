#include "captures/stream/multifd_pages.h"

#include <fmt/format.h>

namespace migscope::captures {

Result<std::span<const std::byte>>
MultifdPages::read(MultifdMethod method, std::span<const std::byte> payload,
                   size_t bytes) {
  using Pages = std::span<const std::byte>;
  if (method == MultifdMethod::none)
    return payload;
  bool readable =
      method == MultifdMethod::zlib || method == MultifdMethod::zstd;
  if (readable && !inflater_) {
    inflater_ =
        method == MultifdMethod::zlib ? zlib_inflater() : zstd_inflater();
    method_ = method;
  }
  if (!readable || method != method_)
    lose();
  if (lost_)
    return Pages();
  room_.resize(bytes + 1); // more than there should be is to be noticed
  auto made = inflate(payload, room_);
  if (made && *made != bytes)
    made = fail(ErrorKind::malformed,
                fmt::format("multifd packet: a payload of {} bytes gives {}, "
                            "expected {}",
                            payload.size(),
                            *made > bytes ? "more" : std::to_string(*made),
                            bytes));
  if (!made) {
    lose();
    return fail(made.error());
  }
  return Pages(room_).first(bytes);
}

Result<size_t> MultifdPages::inflate(std::span<const std::byte> payload,
                                     std::span<std::byte> room) {
  size_t made = 0;
  while (made < room.size()) {
    auto progress = inflater_->inflate(payload, room.subspan(made));
    if (!progress)
      return fail(progress.error());
    if (progress->ended)
      return fail(ErrorKind::malformed,
                  "multifd packet: the channel's compressed stream "
                  "ends, expected it to be flushed only");
    payload = payload.subspan(progress->used);
    made += progress->made;
    if (progress->used == 0 && progress->made == 0)
      break;
  }
  return made;
}

} // namespace migscope::captures
