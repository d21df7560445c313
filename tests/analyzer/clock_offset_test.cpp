#include "analyzer/clock_offset.h"

#include "tests/analyzer/events.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <limits>
#include <random>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::wall_ms;
using Kind = ClockBound::Kind;

namespace {

ClockBound not_after(double host, double ours) {
  return {Kind::not_after, wall_ms(host), at_ms(ours), "an event", "above"};
}
ClockBound not_before(double host, double ours) {
  return {Kind::not_before, wall_ms(host), at_ms(ours), "an event", "below"};
}

double width_ms(const ClockLimits& limits) {
  return to_ms(limits.high - limits.low);
}

// A host whose clock is `skew` ahead at 0 and gains `drift`.
struct Host {
  double skew_ms = 0, drift = 0;
  [[nodiscard]] double stamp(double ours) const {
    return ours + skew_ms + ours * drift;
  }
};

// Dialogues of `seconds` with delays of up to `delay_ms` to both sides.
std::vector<ClockBound> dialogue(const Host& host, double seconds,
                                 double delay_ms, int lines,
                                 std::mt19937& random) {
  std::uniform_real_distribution<double> when(0, seconds * 1000);
  std::uniform_real_distribution<double> delay(0, delay_ms);
  std::vector<ClockBound> out;
  for (int i = 0; i < lines; ++i) {
    double at = when(random);
    out.push_back(i % 2 ? not_after(host.stamp(at), at + delay(random))
                        : not_before(host.stamp(at), at - delay(random)));
  }
  return out;
}

} // namespace

TEST_CASE("the true time lies inside, whatever offset, drift and delays") {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> any(-1, 1);
  for (int i = 0; i < 2000; ++i) {
    Host host{any(random) * 1e7, any(random) * 500e-6};
    double seconds = std::pow(10, 1.5 + 1.5 * any(random));
    int lines = 1 + static_cast<int>(random() % 60);
    ClockOffset offset(
        dialogue(host, seconds, 50 * (1 + any(random)), lines, random));
    REQUIRE(offset.possible());
    for (double at : {0.0, seconds * 500, seconds * 1000, seconds * 3000}) {
      auto limits = offset.at(wall_ms(host.stamp(at)));
      if (lines < 2)
        CHECK_FALSE(limits);
      else {
        CHECK(to_ms(limits->low - at_ms(at)) <= 0.001);
        CHECK(to_ms(limits->high - at_ms(at)) >= -0.001);
      }
    }
    if (auto drift = offset.drift()) {
      // Ours over that host's, and the other way round: 0.25 ppm apart.
      CHECK(drift->first <= host.drift + 1e-6);
      CHECK(drift->second >= host.drift - 1e-6);
    }
  }
}

TEST_CASE("small delays give a narrow interval, and a long run the drift") {
  std::mt19937 random(2);
  Host host{7000, 100e-6};
  ClockOffset offset(dialogue(host, 600, 1, 400, random));
  CHECK(width_ms(*offset.at(wall_ms(host.stamp(300'000)))) < 0.2);
  CHECK(width_ms(*offset.at(wall_ms(host.stamp(600'000)))) < 0.5);
  auto drift = offset.drift();
  REQUIRE(drift);
  CHECK(drift->first > 98e-6);
  CHECK(drift->second < 102e-6);
}

TEST_CASE("the solution is exact: as a search over all slopes finds it") {
  std::mt19937 random(3);
  for (int i = 0; i < 50; ++i) {
    auto bounds = dialogue({3, 200e-6}, 60, 20, 12, random);
    double best_low = 1e300, best_high = -1e300;
    for (int step = -5000; step <= 5000; ++step) {
      double slope = step * 1e-7, low = -1e300, high = 1e300;
      for (const ClockBound& b : bounds) {
        double x = to_ms(b.host - wall_ms(0));
        double height = to_ms(b.ours - at_ms(0)) - x - slope * x;
        if (b.kind == Kind::not_before)
          low = std::max(low, height - 0.001);
        else
          high = std::min(high, height);
      }
      if (low > high)
        continue;
      double x = 61'000; // after them all
      best_low = std::min(best_low, low + slope * x + x);
      best_high = std::max(best_high, high + slope * x + x);
    }
    auto limits = ClockOffset(bounds).at(wall_ms(61'000));
    REQUIRE(limits);
    CHECK(to_ms(limits->low - at_ms(0)) <= best_low + 1e-5);
    CHECK(to_ms(limits->low - at_ms(0)) >= best_low - 0.02);
    CHECK(to_ms(limits->high - at_ms(0)) >= best_high - 1e-5);
    CHECK(to_ms(limits->high - at_ms(0)) <= best_high + 0.02);
  }
}

TEST_CASE("what bounds the offset is told") {
  ClockBound early = not_after(7100, 101), late = not_after(7200, 250);
  early.reason = "the early one";
  ClockOffset offset(std::vector{not_before(7100, 99), early, late});
  auto limits = offset.at(wall_ms(7100));
  REQUIRE(limits);
  CHECK(to_ms(limits->high - at_ms(101)) == doctest::Approx(0));
  CHECK(describe(limits->high_bound) == "an event: the early one");
  CHECK(describe(limits->low_bound) == "an event: below");
  CHECK_FALSE(offset.drift()); // nothing beyond kMaxDrift
}

TEST_CASE("a clock that was set is noticed") {
  std::mt19937 random(4);
  for (double step : {20.0, -20.0, 7000.0}) {
    auto bounds = dialogue({0, 0}, 10, 2, 40, random);
    auto after = dialogue({step, 0}, 10, 2, 40, random);
    for (ClockBound& bound : after) { // ten seconds later
      bound.host = bound.host + std::chrono::seconds(10);
      bound.ours = bound.ours + std::chrono::seconds(10);
    }
    bounds.insert(bounds.end(), after.begin(), after.end());
    ClockOffset offset(bounds);
    CHECK_FALSE(offset.possible());
    CHECK_FALSE(offset.at(wall_ms(0)));
    CHECK_FALSE(offset.drift());
    const auto& [below, above] = *offset.contradiction();
    CHECK(below.kind == Kind::not_before);
    CHECK(above.kind == Kind::not_after);
  }
}

TEST_CASE("one sort of bound, or none, tells nothing") {
  CHECK(ClockOffset({}).possible());
  CHECK_FALSE(ClockOffset({}).at(wall_ms(0)));
  CHECK_FALSE(ClockOffset(std::vector{not_after(1, 1)}).at(wall_ms(1)));
  CHECK_FALSE(ClockOffset(std::vector{not_before(1, 1)}).at(wall_ms(1)));
}

TEST_CASE("stamps at the ends of time do no harm") {
  std::vector<ClockBound> bounds;
  for (int64_t host : {int64_t{0}, int64_t{1}, kMaxTimeNs})
    for (int64_t ours : {int64_t{0}, int64_t{1}, kMaxTimeNs})
      for (Kind kind : {Kind::not_before, Kind::not_after}) {
        bounds.push_back({kind, {host}, {ours}, "", ""});
        ClockOffset alone(std::vector{bounds.back(), not_after(0, 0)});
        (void)alone.at({kMaxTimeNs});
        (void)alone.at({0});
      }
  CHECK_FALSE(ClockOffset(bounds).possible());
}

TEST_CASE("many bounds on a curve take no quadratic time") {
  std::vector<ClockBound> bounds;
  for (int i = 0; i < 200'000; ++i) {
    double x = i * 0.01, bend = x * x * 1e-7;
    bounds.push_back(not_before(x, x + bend - 1));
    bounds.push_back(not_after(x, x - bend + 1));
  }
  ClockOffset offset(bounds);
  REQUIRE(offset.possible());
  for (int i = 0; i < 200'000; ++i)
    REQUIRE(offset.at(wall_ms(i)));
}
