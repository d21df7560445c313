// Items that are cut across pieces of input.
#pragma once

#include "captures/stream/window.h"

#include <algorithm>
#include <vector>

namespace migscope::captures {

// Keeps what is there of an unfinished item, and no more than the item needs
// to go on: what follows is read where it is.
class Carry {
public:
  // Hands all bytes to `decode`, a Step(std::span<const std::byte>), from the
  // first that it has not used on. It goes on until it needs more or is done,
  // for whatever reason. Gives how many of `bytes` were taken: fewer than
  // there are only where it is done.
  template <typename Decode>
  size_t feed(std::span<const std::byte> bytes, Decode decode) {
    size_t taken = 0;
    while (!left().empty()) {
      taken += fill(bytes.subspan(taken));
      if (left().size() < need_)
        return taken;
      Step step = decode(left());
      start_ += step.used;
      need_ = step.done ? 0 : step.need;
      if (step.done)
        return taken;
    }
    Step step = decode(bytes.subspan(taken));
    taken += step.used;
    if (step.done)
      return taken;
    kept_.assign(bytes.begin() + static_cast<ptrdiff_t>(taken), bytes.end());
    start_ = 0;
    need_ = step.need;
    return bytes.size();
  }

  // Of the unfinished item.
  [[nodiscard]] std::span<const std::byte> left() const {
    return std::span(kept_).subspan(start_);
  }
  // Bytes that it takes to go on.
  [[nodiscard]] size_t need() const { return need_; }

private:
  size_t fill(std::span<const std::byte> bytes) {
    size_t have = left().size();
    if (have >= need_)
      return 0;
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<ptrdiff_t>(start_));
    start_ = 0;
    auto more = bytes.first(std::min(need_ - have, bytes.size()));
    kept_.insert(kept_.end(), more.begin(), more.end());
    return more.size();
  }

  std::vector<std::byte> kept_;
  size_t start_ = 0; // what is before was used
  size_t need_ = 0;
};

} // namespace migscope::captures
