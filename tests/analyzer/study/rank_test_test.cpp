#include "analyzer/study/rank_test.h"
#include "base/random.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using Values = std::vector<double>;

// The expected p are counted over all choices of ranks by a program of a few
// lines (Python, itertools.combinations).
TEST_CASE("p by counting") {
  struct Case {
    Values a, b;
    double p;
  };
  for (const auto& [a, b, p] :
       {Case{{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}, 2.0 / 252},
        Case{{1, 3, 5, 7, 9}, {2, 4, 6, 8, 10}, 174.0 / 252},
        Case{{1, 1, 2, 2, 3}, {2, 2, 3, 3, 4}, 48.0 / 252},
        Case{{5, 5, 5}, {5, 5, 5}, 1}, Case{{1, 2}, {3, 4}, 2.0 / 6}}) {
    auto one = rank_test(a, b), other = rank_test(b, a);
    CHECK(one.p == doctest::Approx(p));
    CHECK(other.p == doctest::Approx(p));
    CHECK(one.exact);
    CHECK(one.delta == doctest::Approx(-other.delta));
    CHECK(one.shift == doctest::Approx(-other.shift));
  }
}

// Hollander and Wolfe, Nonparametric Statistical Methods (1973), table 4.1:
// permeability of membranes; W = 35 of the first sample's pairs, p = 0.2544.
TEST_CASE("a published example") {
  auto test = rank_test(
      Values{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46},
      Values{1.15, 0.88, 0.90, 0.74, 1.21});
  CHECK(test.u == doctest::Approx(35));
  CHECK(test.p == doctest::Approx(0.2544).epsilon(0.001));
  CHECK(test.shift == doctest::Approx(0.305));
}

TEST_CASE("effects") {
  auto test = rank_test(Values{10, 11, 12}, Values{1, 2, 3});
  CHECK(test.delta == doctest::Approx(1));
  CHECK(test.shift == doctest::Approx(9));
  CHECK(test.u == doctest::Approx(9));
}

TEST_CASE("many values are approximated, and nearly as counted") {
  Values a, b;
  SeededRandom random(7);
  for (int i = 0; i < 30; ++i) {
    a.push_back(static_cast<double>(random.below(1000)));
    b.push_back(static_cast<double>(random.below(1000)) + 150);
  }
  auto counted = rank_test(a, b);
  a.push_back(500);
  auto approximate = rank_test(a, b);
  CHECK(counted.exact);
  CHECK_FALSE(approximate.exact);
  CHECK(approximate.p == doctest::Approx(counted.p).epsilon(0.3));
}

TEST_CASE("the smallest p") {
  CHECK(smallest_p(5, 5) == doctest::Approx(2.0 / 252));
  CHECK(smallest_p(3, 3) == doctest::Approx(0.1));
  CHECK(smallest_p(1, 1) == doctest::Approx(1));
}

// Holm, Scandinavian Journal of Statistics 6 (1979): the smallest p times m,
// the next one times m - 1, never less than the one before.
TEST_CASE("Holm's adjustment") {
  auto adjusted = holm(Values{0.01, 0.04, 0.03});
  CHECK(adjusted[0] == doctest::Approx(0.03));
  CHECK(adjusted[1] == doctest::Approx(0.06));
  CHECK(adjusted[2] == doctest::Approx(0.06));
  CHECK(holm(Values{0.5, 0.9}) == Values{1, 1});
  CHECK(holm(Values{}).empty());
}
