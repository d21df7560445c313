// Times of a capture by hand.
#pragma once

#include "base/clock.h"

namespace migscope::test {

inline WallTime at(double ms) {
  return {1'700'000'000'000'000'000 + static_cast<int64_t>(ms * 1e6)};
}

} // namespace migscope::test
