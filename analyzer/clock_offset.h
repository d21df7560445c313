// Another host's wall clock on our monotonic axis, as a set of straight lines.
//
// What is known are bounds: an instant by that host's clock is not before, or
// not after, one by ours. All lines of a believable slope that keep every bound
// are taken, so that the truth is among them, and at any instant they tell
// between which limits it lies.
#pragma once

#include "base/clock.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace migscope::analyzer {

// Crystals are good for 100 ppm, and NTP slews by at most 500.
inline constexpr double kMaxDrift = 500e-6;

struct ClockBound {
  enum class Kind { not_before, not_after };
  Kind kind = Kind::not_after;
  WallTime host; // by that host's clock
  MonoTime ours;
  // What tells so; both outlive the bound.
  const char* instant = ""; // "STOP"
  const char* reason = "";  // "its arrival here"
};

// "STOP: its arrival here"
[[nodiscard]] std::string describe(const ClockBound& bound);

// Limits of an instant on our axis, and which bounds set them.
struct ClockLimits {
  MonoTime low, high;
  ClockBound low_bound, high_bound;
};

// At this slope the lines between these two heights are possible. Between two
// neighbours both limits go straight. Seconds; the bounds are indices.
struct ClockVertex {
  double slope = 0, low = 0, high = 0;
  size_t low_bound = 0, high_bound = 0;
};

class ClockOffset {
public:
  // Every bound is kept, to a microsecond (what a QMP time stamp is rounded
  // to).
  explicit ClockOffset(std::span<const ClockBound> bounds);

  // Some line keeps all bounds; else the clock was set in between. True
  // without bounds.
  [[nodiscard]] bool possible() const { return !contradiction_; }
  // Two of the bounds that no line keeps.
  [[nodiscard]] const std::optional<std::pair<ClockBound, ClockBound>>&
  contradiction() const {
    return contradiction_;
  }

  // Empty where one side is not bounded, or nothing is possible.
  [[nodiscard]] std::optional<ClockLimits> at(WallTime host) const;
  // How fast that clock goes against ours, from and to, 0.0001 being 100 ppm;
  // empty where the bounds do not tell more than kMaxDrift does.
  [[nodiscard]] std::optional<std::pair<double, double>> drift() const;

private:
  [[nodiscard]] double x_of(WallTime host) const;
  [[nodiscard]] MonoTime time_at(WallTime host, double height) const;

  WallTime host_zero_; // where x and y begin
  MonoTime our_zero_;
  std::vector<ClockBound> bounds_;
  std::vector<ClockVertex> vertices_; // slopes ascending
  std::optional<std::pair<ClockBound, ClockBound>> contradiction_;
};

} // namespace migscope::analyzer
