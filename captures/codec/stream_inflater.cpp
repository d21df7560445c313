#include "captures/codec/stream_inflater.h"

#include <algorithm>

namespace migscope::captures {

Result<Inflater::Progress>
StreamInflater::inflate(std::span<const std::byte> in,
                        std::span<std::byte> out) {
  if (error_)
    return fail(*error_);
  if (ended_) {
    size_t zeros = 0;
    if (padding_ == Padding::zeros)
      zeros = static_cast<size_t>(
          std::ranges::find_if_not(
              in, [](std::byte b) { return b == std::byte{0}; }) -
          in.begin());
    if (zeros > 0 || in.empty())
      return Progress{zeros, 0, true};
    reset();
  }
  auto progress = step(in, out);
  if (!progress)
    error_ = progress.error();
  else
    ended_ = progress->ended;
  return progress;
}

void StreamInflater::reset() {
  restart();
  error_.reset();
  ended_ = false;
}

} // namespace migscope::captures
