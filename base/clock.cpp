#include "base/clock.h"

#include <ctime>

namespace migscope {
namespace {

int64_t read_clock(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return static_cast<int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
}

} // namespace

ClockReading SystemClock::now() {
  return {{read_clock(CLOCK_MONOTONIC)}, {read_clock(CLOCK_REALTIME)}};
}

} // namespace migscope
