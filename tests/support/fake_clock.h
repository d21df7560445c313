// A clock that stands still until it is told to move.
#pragma once

#include "base/clock.h"

namespace migscope::testing {

class FakeClock final : public Clock {
public:
  ClockReading now() override { return now_; }
  void advance(Nanos by) {
    now_.mono = now_.mono + by;
    now_.wall = now_.wall + by;
  }

private:
  ClockReading now_{{1'000'000'000}, {1'700'000'000'000'000'000}};
};

} // namespace migscope::testing
