#include "analyzer/study/categories.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

CategorySet known(const std::string& name) {
  auto sets = known_categories();
  REQUIRE(sets);
  auto found = std::ranges::find(*sets, name, &CategorySet::name);
  REQUIRE(found != sets->end());
  return *found;
}

Grade graded(const CategorySet& set, const std::string& measure, double value) {
  auto grades =
      std::ranges::find(set.measures, measure, &MeasureGrades::measure);
  REQUIRE(grades != set.measures.end());
  auto out = grade(*grades, value);
  REQUIRE(out);
  return *out;
}

} // namespace

TEST_CASE("every set that comes with the program is sound") {
  auto sets = known_categories();
  REQUIRE(sets);
  CHECK(sets->size() == 7);
  for (const CategorySet& set : *sets) {
    CAPTURE(set.name);
    CHECK_FALSE(set.source.empty());
    CHECK_FALSE(set.measures.empty());
    if (set.status == "unverified")
      for (const MeasureGrades& measure : set.measures)
        CHECK(measure.steps.empty());
  }
}

TEST_CASE("TIPHON as used: boundaries as they are tabled") {
  CategorySet set = known("tiphon");
  CHECK(set.status == "as used");
  struct Case {
    const char* measure;
    double value, index;
  };
  for (auto [measure, value, index] :
       {Case{"loss_percent", 0, 4}, Case{"loss_percent", 0.001, 3},
        Case{"loss_percent", 3, 3}, Case{"loss_percent", 15, 2},
        Case{"loss_percent", 15.1, 1}, Case{"loss_percent", 100, 1},
        Case{"one_way_delay_ms", 0, 4}, Case{"one_way_delay_ms", 149.9, 4},
        Case{"one_way_delay_ms", 150, 3}, Case{"one_way_delay_ms", 300, 3},
        Case{"one_way_delay_ms", 450, 2}, Case{"one_way_delay_ms", 451, 1},
        Case{"jitter_ms", 0, 4}, Case{"jitter_ms", 0.1, 3},
        Case{"jitter_ms", 75, 3}, Case{"jitter_ms", 125, 2},
        Case{"jitter_ms", 126, 1}}) {
    CAPTURE(measure);
    CAPTURE(value);
    CHECK(graded(set, measure, value).index == doctest::Approx(index));
  }
  CHECK(graded(set, "one_way_delay_ms", 149).rule == "below 150 ms");
  CHECK(graded(set, "one_way_delay_ms", 300).rule == "up to and with 300 ms");
  CHECK(graded(set, "one_way_delay_ms", 500).rule == "above 450 ms");
}

TEST_CASE("TIPHON's overall index") {
  CategorySet set = known("tiphon");
  auto overall = [&](std::vector<double> indexes) {
    std::vector<Grade> grades;
    for (double index : indexes)
      grades.push_back({"", index, ""});
    return *overall_grade(set, grades);
  };
  CHECK(overall({4, 4, 4}).label == "very satisfying");
  CHECK(overall({4, 4, 3}).label == "satisfying");
  CHECK(overall({3, 3, 3}).label == "satisfying");
  CHECK(overall({3, 3, 2}).label == "less satisfying");
  CHECK(overall({2, 2, 2}).label == "less satisfying");
  CHECK(overall({1, 2, 2}).label == "bad");
  CHECK(overall({4, 3, 3}).index == doctest::Approx(10.0 / 3));
  CHECK_FALSE(overall_grade(set, {}));
}

TEST_CASE("G.114") {
  CHECK(graded(known("g114"), "one_way_delay_ms", 150).label == "acceptable");
  CHECK(graded(known("g114"), "one_way_delay_ms", 400).label ==
        "acceptable with care");
  CHECK(graded(known("g114"), "one_way_delay_ms", 401).label == "unacceptable");
}

TEST_CASE("goals") {
  CHECK(graded(known("qemu"), "downtime_ms", 300).label ==
        "within QEMU's default");
  CHECK(graded(known("qemu"), "downtime_ms", 300.1).label ==
        "over QEMU's default");
  CHECK(graded(known("proxmox"), "downtime_ms", 100.5).label ==
        "over Proxmox VE's default");
  CHECK(graded(known("google-2018"), "downtime_ms", 60).label ==
        "within the 99th percentile");
}

TEST_CASE("what has no numbers grades nothing") {
  CategorySet set = known("gustafsson-2013");
  CHECK(set.status == "unverified");
  for (const MeasureGrades& measure : set.measures)
    CHECK_FALSE(grade(measure, 1));
}

TEST_CASE("a user's own, exclusive") {
  auto set = parse_categories(R"(
title = "mine"
source = "me"
status = "as used"
[[measure]]
measure = "downtime_ms"
unit = "ms"
boundary = "exclusive"
grades = [{label = "short", up_to = 10}, {label = "long", up_to = 100}]
)",
                              "mine.toml");
  REQUIRE(set);
  const MeasureGrades& measure = set->measures.front();
  CHECK(grade(measure, 9.9)->label == "short");
  CHECK(grade(measure, 10)->label == "long");
  CHECK(grade(measure, 10)->rule == "below 100 ms");
  CHECK(grade(measure, 101)->label == "above all grades");
}

TEST_CASE("what is no set says where") {
  const std::string head = "title = 'x'\nsource = 'y'\n";
  struct Case {
    std::string text, says;
  };
  for (const auto& [text, says] :
       {Case{"title = ", "line 1"}, Case{"source = 'y'", "title"},
        Case{head + "status = 'true'\n[[measure]]\nmeasure = 'a'", "status"},
        Case{head + "status = 'verified'", "[[measure]]"},
        Case{head + "status = 'verified'\n[[measure]]\nmeasure = 'a'",
             "a.grades"},
        Case{head + "status = 'verified'\n[[measure]]\nmeasure = 'a'\n"
                    "boundary = 'maybe'\ngrades = [{label = 'x'}]",
             "a.boundary"},
        Case{head + "status = 'verified'\n[[measure]]\nmeasure = 'a'\n"
                    "grades = [{label = 'x', up_to = 5}, "
                    "{label = 'y', up_to = 5}]",
             "up_to"},
        Case{head + "status = 'verified'\n[[measure]]\nmeasure = 'a'\n"
                    "grades = [{label = 'x', up_to = '5'}]",
             "a number"},
        Case{head + "status = 'verified'\n[[measure]]\nmeasure = 'a'\n"
                    "bondary = 'exclusive'\ngrades = [{label = 'x'}]",
             "measure.bondary: expected one of"},
        Case{head + "statsu = 'verified'", "statsu"}}) {
    CAPTURE(text);
    auto set = parse_categories(text, "bad.toml");
    REQUIRE_FALSE(set);
    CHECK(set.error().message.find(says) != std::string::npos);
    CHECK(set.error().where == "bad.toml");
  }
}
