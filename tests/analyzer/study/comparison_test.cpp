#include "analyzer/study/comparison.h"
#include "base/random.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using Values = std::vector<double>;

namespace {

CellValues cell(const char* workload, const char* mode, Values values) {
  return {{workload, "1G", mode, "1Gbit/s"}, {{"downtime_ms", values}}};
}

} // namespace

TEST_CASE("pairs that differ in one factor") {
  auto all = compare_cells(
      {cell("a", "x", {1, 2, 3, 4, 5}), cell("a", "y", {6, 7, 8, 9, 10}),
       cell("b", "x", {1, 2, 3, 4, 5}), cell("b", "y", {1, 2, 3, 4, 6})});
  REQUIRE(all.size() == 4); // of six pairs two differ in both
  const Comparison& modes = all[0];
  CHECK(modes.factor == "mode");
  CHECK(modes.at == Coordinates{"a", "1G", "", "1Gbit/s"});
  CHECK(modes.a == "x");
  CHECK(modes.b == "y");
  CHECK(modes.median_a == doctest::Approx(3));
  CHECK(modes.larger_than_noise);
  // A family of its own.
  CHECK(modes.adjusted_p == doctest::Approx(modes.test.p));
  CHECK(all[1].factor == "workload");
  CHECK_FALSE(all[3].larger_than_noise);
}

TEST_CASE("a family is adjusted together") {
  auto all = compare_cells({cell("a", "x", {1, 2, 3, 4, 5}),
                            cell("a", "y", {6, 7, 8, 9, 10}),
                            cell("a", "z", {11, 12, 13, 14, 15})});
  REQUIRE(all.size() == 3);
  for (const Comparison& one : all) {
    CHECK(one.test.p == doctest::Approx(2.0 / 252));
    CHECK(one.adjusted_p == doctest::Approx(6.0 / 252));
    CHECK(one.larger_than_noise);
  }
}

TEST_CASE("the same cell of two campaigns") {
  std::vector<CellValues> now{cell("a", "x", {1, 2, 3, 4, 5}),
                              cell("b", "x", {1, 2, 3, 4, 5}),
                              cell("c", "x", {})};
  std::vector<CellValues> before{cell("b", "x", {6, 7, 8, 9, 10}),
                                 cell("a", "x", {1, 2, 3, 4, 6}),
                                 cell("c", "x", {1}), cell("d", "x", {1})};
  auto all = compare_campaigns(now, "now", before, "before");
  REQUIRE(all.size() == 2);
  CHECK(all[0].at == now[0].at);
  CHECK(all[0].factor == "campaign");
  CHECK(all[0].a == "now");
  CHECK(all[0].b == "before");
  CHECK_FALSE(all[0].larger_than_noise);
  CHECK(all[1].larger_than_noise);
  CHECK(all[1].test.shift == doctest::Approx(-5));
  // All cells of a measure are one family.
  CHECK(all[1].adjusted_p == doctest::Approx(2 * all[1].test.p));
}

TEST_CASE("too few runs can tell nothing, and say so") {
  auto all =
      compare_cells({cell("a", "x", {1, 2, 3}), cell("a", "y", {7, 8, 9})});
  REQUIRE(all.size() == 1);
  CHECK_FALSE(all[0].larger_than_noise);
  CHECK(all[0].hopeless);
  // Four each are enough for one comparison, not for three.
  all = compare_cells(
      {cell("a", "x", {1, 2, 3, 4}), cell("a", "y", {5, 6, 7, 8})});
  CHECK(all[0].larger_than_noise);
  CHECK_FALSE(all[0].hopeless);
  all =
      compare_cells({cell("a", "x", {1, 2, 3, 4}), cell("a", "y", {5, 6, 7, 8}),
                     cell("a", "z", {9, 10, 11, 12})});
  for (const Comparison& one : all) {
    CHECK(one.hopeless);
    CHECK_FALSE(one.larger_than_noise);
  }
  CHECK(compare_cells({cell("a", "x", {}), cell("a", "y", {1})}).empty());
}

// Three modes that are the same: in at most about 5 of 100 campaigns anything
// is told to differ.
TEST_CASE("noise is rarely taken for a difference") {
  SeededRandom random(3);
  auto values = [&] {
    Values out;
    for (int i = 0; i < 6; ++i)
      out.push_back(static_cast<double>(random.below(1'000'000)));
    return out;
  };
  int wrong = 0;
  constexpr int kCampaigns = 400;
  for (int i = 0; i < kCampaigns; ++i) {
    auto all =
        compare_cells({cell("a", "x", values()), cell("a", "y", values()),
                       cell("a", "z", values())});
    wrong += std::ranges::any_of(all, &Comparison::larger_than_noise);
  }
  CHECK(wrong <= kCampaigns * 7 / 100);
  CHECK(wrong > 0);
}
