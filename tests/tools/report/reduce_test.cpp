#include "tools/report/reduce.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope::tools;

namespace {

Curve zigzag(size_t count) {
  Curve out;
  for (size_t i = 0; i < count; ++i) {
    out.t_ms.push_back(static_cast<double>(i));
    out.values.emplace_back(static_cast<double>(i % 7));
  }
  return out;
}

bool has(const Curve& curve, double t_ms, std::optional<double> value) {
  for (size_t i = 0; i < curve.t_ms.size(); ++i)
    if (curve.t_ms[i] == t_ms && curve.values[i] == value)
      return true;
  return false;
}

} // namespace

TEST_CASE("a curve that fits stays as it is") {
  Curve few = zigzag(100);
  CHECK(reduced(few, 20).t_ms == few.t_ms);
  CHECK(reduced(Curve{}, 20).t_ms.empty());
}

TEST_CASE("what is left out is no peak") {
  Curve curve = zigzag(100'000);
  curve.values[31'234] = 1e6;  // one sample high
  curve.values[77'777] = -1e6; // and one low
  Curve out = reduced(curve, 500);
  CHECK(out.t_ms.size() == out.values.size());
  CHECK(out.t_ms.size() <= 500 * 5);
  CHECK(std::ranges::is_sorted(out.t_ms));
  CHECK(has(out, 31'234, 1e6));
  CHECK(has(out, 77'777, -1e6));
  CHECK(has(out, 0, 0.0));
  CHECK(has(out, 99'999, *curve.values.back()));
  // Every bucket still goes as far up and down as it did.
  for (double from = 0; from < 1e5; from += 200) {
    double least = 9, most = -9;
    for (size_t i = 0; i < out.t_ms.size(); ++i)
      if (out.t_ms[i] >= from && out.t_ms[i] < from + 200) {
        least = std::min(least, *out.values[i]);
        most = std::max(most, *out.values[i]);
      }
    REQUIRE(least <= 0);
    REQUIRE(most >= 6);
  }
}

TEST_CASE("gaps stay gaps") {
  Curve curve = zigzag(10'000);
  for (size_t i = 4000; i < 6000; ++i)
    curve.values[i].reset();
  Curve out = reduced(curve, 100);
  size_t gaps = 0;
  for (size_t i = 0; i < out.t_ms.size(); ++i) {
    bool inside = out.t_ms[i] >= 4000 && out.t_ms[i] < 6000;
    CHECK(out.values[i].has_value() == !inside);
    gaps += inside;
  }
  CHECK(gaps >= 20);
}

TEST_CASE("samples at one time, and none between, are no division by zero") {
  Curve curve;
  for (int i = 0; i < 1000; ++i) {
    curve.t_ms.push_back(5);
    curve.values.emplace_back(i);
  }
  Curve out = reduced(curve, 10);
  CHECK(has(out, 5, 0.0));
  CHECK(has(out, 5, 999.0));
}

TEST_CASE("groups cover all, and are no more than asked for") {
  CHECK(grouped(0, 10).empty());
  CHECK(grouped(10, 10).size() == 10);
  auto groups = grouped(1001, 100);
  CHECK(groups.size() <= 100);
  size_t next = 0;
  for (auto [first, end] : groups) {
    CHECK(first == next);
    next = end;
  }
  CHECK(next == 1001);
}
