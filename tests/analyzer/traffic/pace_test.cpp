#include "analyzer/traffic/pace.h"
#include "tests/analyzer/traffic/at.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using test::at;

namespace {

struct Told {
  TrafficDirection direction;

  explicit Told(const std::vector<double>& times,
                const std::optional<WallPause>& pause = {}) {
    Pace pace;
    SampleBudget budget;
    for (double ms : times)
      pace.add(at(ms), budget);
    pace.tell(direction, at(0), pause);
  }
};

// Every 10 ms, but not from 500 to 800 ms.
std::vector<double> paced() {
  std::vector<double> out;
  for (int i = 0; i <= 100; ++i)
    if (i <= 50 || i >= 80)
      out.push_back(10 * i);
  return out;
}

} // namespace

TEST_CASE("one packet has no gap") {
  Told told({1});
  CHECK_FALSE(told.direction.longest);
  CHECK_FALSE(told.direction.silences);
  CHECK_FALSE(told.direction.median_gap_ms);
}

TEST_CASE("a silence of a steady pace stands out") {
  Told told(paced());
  CHECK(told.direction.median_gap_ms == 10);
  REQUIRE(told.direction.silences);
  REQUIRE(told.direction.silences->size() == 1);
  CHECK(told.direction.silences->front().start_ms == 500);
  CHECK(told.direction.silences->front().silent_ms == 300);
  CHECK(told.direction.longest->silent_ms == 300);
}

TEST_CASE("the limit is twenty median gaps, and 20 ms") {
  CHECK(silence_limit_ms(0.1) == 20);
  CHECK(silence_limit_ms(10) == 200);
  auto times = paced();
  times.push_back(1200); // 200 ms after the last one
  CHECK(Told(times).direction.silences->size() == 1);
  times.back() = 1201;
  CHECK(Told(times).direction.silences->size() == 2);
}

TEST_CASE("bursts have no steady pace: only the longest gap is told") {
  std::vector<double> times;
  for (int burst = 0; burst < 20; ++burst)
    for (int i = 0; i < 10; ++i)
      times.push_back(100 * burst + 0.1 * i);
  Told told(times);
  CHECK_FALSE(told.direction.silences);
  CHECK(told.direction.longest->silent_ms == doctest::Approx(99.1));
}

TEST_CASE("few gaps have no pace either") {
  CHECK_FALSE(Told({0, 10, 20, 1000}).direction.silences);
}

TEST_CASE("the pause's part of a silence") {
  auto split = [](double stop, double resume) {
    return Told(paced(), WallPause{at(stop), at(resume), 0.1})
        .direction.silences->front()
        .split;
  };
  auto inside = split(510, 720);
  REQUIRE(inside);
  CHECK(inside->before_ms == 10);
  CHECK(inside->pause_ms == 210);
  CHECK(inside->recovery_ms == 80);
  // Packets that were under way came after STOP.
  auto late = split(490, 720);
  REQUIRE(late);
  CHECK(late->before_ms == 0);
  CHECK(late->pause_ms == 220);
  CHECK(late->recovery_ms == 80);
  auto longer = split(510, 900);
  REQUIRE(longer);
  CHECK(longer->pause_ms == 290);
  CHECK(longer->recovery_ms == 0);
  CHECK_FALSE(split(100, 500));
  CHECK_FALSE(split(800, 900));
}

TEST_CASE("time that goes back is no gap") {
  Told told({0, 50, 20, 60});
  CHECK(told.direction.longest->silent_ms == 50);
}

TEST_CASE("of more silences than are kept the longest are told") {
  std::vector<double> times;
  double now = 0;
  for (int i = 0; i < 400; ++i) {
    for (int j = 0; j < 30; ++j)
      times.push_back(now += 0.5);
    now += 21 + i;
  }
  Told told(times);
  REQUIRE(told.direction.silences);
  CHECK(told.direction.silences->size() == Pace::kMostSilences);
  CHECK(told.direction.silences_cut);
  CHECK(told.direction.silences->back().silent_ms ==
        doctest::Approx(told.direction.longest->silent_ms));
}
