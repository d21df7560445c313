// Time, with the two clocks kept apart by type.
//
// MonoTime is CLOCK_MONOTONIC of the machine migscope runs on; it never jumps
// and means nothing elsewhere. WallTime is nanoseconds since the epoch on some
// host's wall clock (QMP events carry QEMU's host's). Subtracting one from the
// other does not compile: going between them takes a pair of readings.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace migscope {

using Nanos = std::chrono::nanoseconds;

struct MonoTime {
  int64_t ns = 0;
  auto operator<=>(const MonoTime&) const = default;
};

struct WallTime {
  int64_t ns = 0;
  auto operator<=>(const WallTime&) const = default;
};

constexpr Nanos operator-(MonoTime a, MonoTime b) {
  return Nanos(a.ns - b.ns);
}
constexpr Nanos operator-(WallTime a, WallTime b) {
  return Nanos(a.ns - b.ns);
}
constexpr MonoTime operator+(MonoTime t, Nanos d) {
  return {t.ns + d.count()};
}
constexpr WallTime operator+(WallTime t, Nanos d) {
  return {t.ns + d.count()};
}

// Bounds of a time that is read from a file: with both ends inside, no
// difference overflows.
inline constexpr int64_t kMaxTimeNs = int64_t{1} << 62;
constexpr bool is_plausible(int64_t ns) {
  return ns >= 0 && ns <= kMaxTimeNs;
}

constexpr double to_ms(Nanos d) {
  return static_cast<double>(d.count()) / 1e6;
}

// Cut to whole nanoseconds; the caller sees to it that they fit.
constexpr Nanos from_ms(double ms) {
  return Nanos(static_cast<int64_t>(ms * 1e6));
}
constexpr Nanos from_seconds(double s) {
  return Nanos(static_cast<int64_t>(s * 1e9));
}

// Both clocks read back to back.
struct ClockReading {
  MonoTime mono;
  WallTime wall;
};

// Code below tools/ takes a Clock and never reads the time by itself, so that
// tests can say what time it is.
class Clock {
public:
  virtual ~Clock() = default;
  virtual ClockReading now() = 0;
};

class SystemClock final : public Clock {
public:
  ClockReading now() override;
};

} // namespace migscope
