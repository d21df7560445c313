#include "analyzer/study/statistics.h"
#include "base/random.h"

#include <cmath>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using Values = std::vector<double>;

namespace {

// Of a normal spread, by Box and Muller.
double normal(SeededRandom& random) {
  auto uniform = [&] {
    return (static_cast<double>(random.below(1u << 30)) + 0.5) / (1u << 30);
  };
  double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * 3.14159265358979 * uniform());
}

// In how many of a hundred campaigns the interval holds the true mean.
double coverage(size_t n) {
  constexpr int kTrials = 400;
  SeededRandom random(n);
  int held = 0;
  for (int i = 0; i < kTrials; ++i) {
    Values values;
    for (size_t k = 0; k < n; ++k)
      values.push_back(normal(random));
    auto interval = *summarize(values, 1).mean_interval;
    held += interval.low <= 0 && interval.high >= 0;
  }
  return 100.0 * held / kTrials;
}

} // namespace

TEST_CASE("by hand") {
  Summary summary = summarize(Values{4, 1, 3, 2}, 1);
  CHECK(summary.n == 4);
  CHECK(summary.mean == doctest::Approx(2.5));
  CHECK(summary.median == doctest::Approx(2.5));
  CHECK(summary.deviation == doctest::Approx(std::sqrt(5.0 / 3)));
  CHECK(summary.minimum == doctest::Approx(1));
  CHECK(summary.maximum == doctest::Approx(4));
  REQUIRE(summary.mean_interval);
  CHECK(summary.mean_interval->low >= 1);
  CHECK(summary.mean_interval->high <= 4);
  CHECK(summary.mean_interval->low < 2.5);
  CHECK(summary.mean_interval->high > 2.5);
}

TEST_CASE("of too few") {
  CHECK_FALSE(summarize(Values{}, 1).mean);
  Summary one = summarize(Values{7}, 1);
  CHECK(one.mean == doctest::Approx(7));
  CHECK_FALSE(one.deviation);
  CHECK_FALSE(one.mean_interval);
  Summary same = summarize(Values{7, 7, 7}, 1);
  CHECK(same.deviation == doctest::Approx(0));
  CHECK(same.mean_interval->low == doctest::Approx(7));
}

TEST_CASE("the same for the same values and seed, in any order") {
  auto a = *summarize(Values{1, 5, 2, 8, 3}, 42).mean_interval;
  auto b = *summarize(Values{8, 3, 2, 5, 1}, 42).mean_interval;
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
}

// What statistics.h and the documentation say of it.
TEST_CASE("how often the interval holds the mean") {
  double few = coverage(5), many = coverage(20);
  MESSAGE("n = 5: " << few << " %, n = 20: " << many << " %");
  CHECK(few > 78);
  CHECK(few < 90);
  CHECK(many > 89);
  CHECK(many < 97);
}

TEST_CASE("seeded numbers are the standard's") {
  // std::mt19937_64's 10000th number with its default seed (C++20, 29.6.5).
  std::mt19937_64 engine;
  engine.discard(9999);
  CHECK(engine() == 9981545732273789042u);
  SeededRandom random(1);
  std::vector<int> counts(3);
  for (int i = 0; i < 3000; ++i)
    ++counts[random.below(3)];
  for (int count : counts)
    CHECK(std::abs(count - 1000) < 150);
}
