#include "tools/report/dot_chart.h"
#include "tools/report/service_chart.h"

#include <doctest/doctest.h>

using namespace migscope::tools;

namespace {

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != text.npos;
       at = text.find(what, at + 1))
    ++count;
  return count;
}

} // namespace

TEST_CASE("values in groups") {
  DotChart chart{"downtime <b>", "ms", {}};
  CHECK(dot_chart(chart).empty());
  chart.groups = {{"256M precopy", {10, 20, 30}, 20.0, 12.0, 28.0},
                  {"a&b", {100}, 100.0, {}, {}}};
  std::string picture = dot_chart(chart);
  CHECK(count_of(picture, "<circle") == 4);
  CHECK(count_of(picture, "class=\"interval\"") == 1);
  CHECK(count_of(picture, "class=\"mean\"") == 2);
  CHECK(picture.find("downtime &lt;b&gt;, ms") != std::string::npos);
  CHECK(picture.find("a&amp;b") != std::string::npos);
  CHECK(picture.find("<b>") == std::string::npos);
  // 0 to 100 in steps of 20: the largest value is at the axis' end.
  CHECK(count_of(picture, "class=\"tick\"") == 6);
  CHECK(picture.find(">100</text>") != std::string::npos);
}

TEST_CASE("values that are all 0") {
  std::string picture = dot_chart({"loss", "%", {{"x", {0, 0}, 0.0, {}, {}}}});
  CHECK(count_of(picture, "<circle") == 2);
  CHECK(picture.find("nan") == std::string::npos);
  CHECK(picture.find("inf") == std::string::npos);
}

TEST_CASE("delays over time") {
  ServiceChart chart;
  CHECK(service_chart(chart).empty());
  chart.bars = {
      {0, 10, 0.5, 2.0, 0}, {10, 10, {}, {}, 1}, {20, 10, 0.5, 120.0, 0.5}};
  CHECK(service_chart(chart).find("class=\"pause\"") == std::string::npos);
  chart.stop_ms = 9;
  chart.resume_ms = 21;
  std::string picture = service_chart(chart);
  CHECK(count_of(picture, "class=\"delay\"") == 2);
  CHECK(count_of(picture, "class=\"lost\"") == 2);
  CHECK(count_of(picture, "class=\"pause\"") == 1);
  // 0.1 to 1000, by powers of ten.
  CHECK(count_of(picture, "class=\"grid\"") == 5);
  // All that was lost.
  std::string dead = service_chart({{{0, 10, {}, {}, 1}}, {}, {}});
  CHECK(dead.find("nan") == std::string::npos);
  CHECK(count_of(dead, "class=\"lost\"") == 1);
}
