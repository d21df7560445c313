#include "analyzer/clock_offset.h"

#include <algorithm>
#include <cmath>

namespace migscope::analyzer {
namespace {

// The first index below `count` that `before` does not hold for, or `count`; it
// holds for all before. (clang 14 cannot compile libstdc++'s views::iota.)
template <typename Predicate>
size_t partition_index(size_t count, Predicate before) {
  size_t low = 0;
  while (low < count) {
    size_t middle = low + (count - low) / 2;
    if (before(middle))
      low = middle + 1;
    else
      count = middle;
  }
  return low;
}

using Kind = ClockBound::Kind;

constexpr double kStampResolution = 1e-6; // seconds

// With x the host's time and y how far ours is ahead of it, both from some
// zero, a line is y = height + slope * x. The bound (x, y) asks for a height of
// at least, or at most, y - slope * x: itself a line over the slope, and all
// bounds of a kind together are the envelope of these.
struct Line {
  double steepness = 0, at_zero = 0;
  size_t bound = 0;
  [[nodiscard]] double at(double slope) const {
    return at_zero + steepness * slope;
  }
};

double crossing(const Line& a, const Line& b) {
  return (a.at_zero - b.at_zero) / (b.steepness - a.steepness);
}

// The highest line at every slope, in order.
class Envelope {
public:
  explicit Envelope(std::vector<Line> lines) {
    std::ranges::sort(lines, [](const Line& a, const Line& b) {
      return std::pair(a.steepness, a.at_zero) <
             std::pair(b.steepness, b.at_zero);
    });
    for (const Line& line : lines) {
      if (!top_.empty() && top_.back().steepness == line.steepness)
        top_.pop_back(); // below this one everywhere
      while (top_.size() > 1 &&
             crossing(top_[top_.size() - 2], line) <=
                 crossing(top_[top_.size() - 2], top_.back()))
        top_.pop_back();
      top_.push_back(line);
    }
  }

  [[nodiscard]] bool empty() const { return top_.empty(); }

  [[nodiscard]] const Line& highest(double slope) const {
    return top_[partition_index(top_.size() - 1, [&](size_t i) {
      return crossing(top_[i], top_[i + 1]) < slope;
    })];
  }

  // The slopes, inside the believable ones, at which another line takes over.
  void add_corners(std::vector<double>& slopes) const {
    for (size_t i = 0; i + 1 < top_.size(); ++i)
      if (double at = crossing(top_[i], top_[i + 1]); std::abs(at) < kMaxDrift)
        slopes.push_back(at);
  }

private:
  std::vector<Line> top_;
};

double gap(const ClockVertex& vertex) {
  return vertex.high - vertex.low;
}

// Where the gap between two corners opens or closes.
ClockVertex edge(const ClockVertex& a, const ClockVertex& b) {
  double share = gap(a) / (gap(a) - gap(b));
  ClockVertex out = b; // with the bounds that hold from `a` to there
  out.slope = std::lerp(a.slope, b.slope, share);
  out.low = out.high = std::lerp(a.low, b.low, share);
  return out;
}

// The corners of what lies above `low` and below `high` (negated), slopes
// ascending. Where nothing does, the one corner with the smallest overlap.
std::vector<ClockVertex> between(const Envelope& low, const Envelope& high) {
  std::vector<double> slopes{-kMaxDrift, kMaxDrift};
  low.add_corners(slopes);
  high.add_corners(slopes);
  std::ranges::sort(slopes);
  std::vector<ClockVertex> all, out;
  for (double slope : slopes) {
    const Line &l = low.highest(slope), &h = high.highest(slope);
    all.push_back({slope, l.at(slope), -h.at(slope), l.bound, h.bound});
  }
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0 && (gap(all[i - 1]) < 0) != (gap(all[i]) < 0))
      out.push_back(edge(all[i - 1], all[i]));
    if (gap(all[i]) >= 0)
      out.push_back(all[i]);
  }
  if (out.empty())
    out.push_back(*std::ranges::max_element(all, {}, gap));
  return out;
}

double seconds(Nanos time) {
  return std::chrono::duration<double>(time).count();
}

// Of values that rise, then fall: the index of the last of the highest. Where
// that is a stretch, its vertex names the bound along it.
template <typename Value>
size_t peak(size_t count, Value value) {
  constexpr double kNoise = 1e-12;
  return partition_index(
      count - 1, [&](size_t i) { return value(i + 1) > value(i) - kNoise; });
}

} // namespace

std::string describe(const ClockBound& bound) {
  return std::string(bound.instant) + ": " + bound.reason;
}

double ClockOffset::x_of(WallTime host) const {
  return seconds(host - host_zero_);
}

MonoTime ClockOffset::time_at(WallTime host, double height) const {
  // Stamps are not trusted; thirty years from the first one is no time.
  double later = std::clamp(x_of(host) + height, -1e9, 1e9);
  return our_zero_ + Nanos(std::llround(later * 1e9));
}

ClockOffset::ClockOffset(std::span<const ClockBound> bounds)
    : bounds_(bounds.begin(), bounds.end()) {
  if (bounds_.empty())
    return;
  host_zero_ = bounds_.front().host;
  our_zero_ = bounds_.front().ours;
  std::vector<Line> above, below; // heights to stay above, and below (negated)
  for (size_t i = 0; i < bounds_.size(); ++i) {
    double x = x_of(bounds_[i].host);
    double y = seconds(bounds_[i].ours - our_zero_) - x;
    if (bounds_[i].kind == Kind::not_before)
      above.push_back({-x, y - kStampResolution, i});
    else
      below.push_back({x, -y, i});
  }
  Envelope low(std::move(above)), high(std::move(below));
  if (low.empty() || high.empty())
    return;
  vertices_ = between(low, high);
  if (gap(vertices_.front()) >= 0)
    return;
  const ClockVertex& nearest = vertices_.front();
  contradiction_ = {bounds_[nearest.low_bound], bounds_[nearest.high_bound]};
  vertices_.clear();
}

std::optional<ClockLimits> ClockOffset::at(WallTime host) const {
  if (vertices_.empty())
    return {};
  double x = x_of(host);
  const ClockVertex& low = vertices_[peak(vertices_.size(), [&](size_t i) {
    return -vertices_[i].low - vertices_[i].slope * x;
  })];
  const ClockVertex& high = vertices_[peak(vertices_.size(), [&](size_t i) {
    return vertices_[i].high + vertices_[i].slope * x;
  })];
  return ClockLimits{time_at(host, low.low + low.slope * x),
                     time_at(host, high.high + high.slope * x),
                     bounds_[low.low_bound], bounds_[high.high_bound]};
}

std::optional<std::pair<double, double>> ClockOffset::drift() const {
  if (vertices_.empty() || (vertices_.front().slope <= -kMaxDrift &&
                            vertices_.back().slope >= kMaxDrift))
    return {};
  // Where ours gets ahead, that clock is slow.
  return std::pair(-vertices_.back().slope, -vertices_.front().slope);
}

} // namespace migscope::analyzer
