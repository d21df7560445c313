#include "tools/report/compare.h"

#include "tests/tools/render/analyses.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::tools;
using migscope::testing::known_analysis;

namespace {

std::vector<Run> two_runs() {
  std::vector<Run> out{{"before", known_analysis()},
                       {"after", known_analysis()}};
  auto& after = out[1].analysis;
  after.downtime.total_ms = 30.7;
  after.downtime.phases[1].duration_ms = 5;
  after.downtime.phases.back().name = "load";
  after.rounds.pop_back();
  after.vm.capabilities = {"events"};
  return out;
}

const Figure& find(const std::vector<Figure>& figures,
                   const std::string& name) {
  auto found = std::ranges::find(figures, name, &Figure::name);
  REQUIRE(found != figures.end());
  return *found;
}

} // namespace

TEST_CASE("each figure is told of each run, and how it differs") {
  auto figures = compared(two_runs());
  CHECK(find(figures, "downtime").values[1] == 30.7);
  CHECK(change(find(figures, "downtime"), 0) == "");
  CHECK(change(find(figures, "downtime"), 1) == "-15.0 (-33 %)");
  CHECK(change(find(figures, "rounds"), 1) == "-1 (-50 %)");
  CHECK(change(find(figures, "pause: last RAM"), 1) == "-15.00 (-75 %)");
  CHECK(change(find(figures, "total time"), 1) == ""); // the same
  // A piece that one of them does not have is unknown there, not 0.
  CHECK(find(figures, "pause: destination").values[0] == 20.0);
  CHECK_FALSE(find(figures, "pause: destination").values[1]);
  CHECK_FALSE(find(figures, "pause: load").values[0]);
  CHECK(change(find(figures, "pause: load"), 1) == "");
}

TEST_CASE("what differs less than a digit does not differ") {
  Figure figure{"x", "ms", 1, Better::less, {10.0, 10.04, 10.06, 0.0}};
  CHECK(change(figure, 1) == "");
  CHECK(change(figure, 2) == "+0.1 (+1 %)");
  CHECK(change(figure, 3) == "-10.0 (-100 %)");
  figure.values[0] = 0;
  CHECK(change(figure, 1) == "+10.0");
}

TEST_CASE("the table says which change is for the better") {
  DataTable table = comparison_table(two_runs());
  for (const auto& row : table.rows) {
    CHECK(row.size() == 3);
    if (row[0].text == "downtime, ms") {
      CHECK(row[2].tone == Tone::good);
    }
  }
  auto runs = two_runs();
  std::swap(runs[0], runs[1]);
  for (const auto& row : comparison_table(runs).rows)
    if (row[0].text == "downtime, ms") {
      CHECK(row[2].tone == Tone::bad);
    }
  // Hardly another: told, but neither better nor worse.
  runs[1].analysis.downtime.total_ms = 30.8;
  for (const auto& row : comparison_table(runs).rows)
    if (row[0].text == "downtime, ms") {
      CHECK(row[2].change == "+0.1 (+0 %)");
      CHECK_FALSE(row[2].tone);
    }
}

TEST_CASE("settings are listed where they differ") {
  DataTable table = settings_table(two_runs());
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0][0].text == "capabilities");
  CHECK(table.rows[0][1].text == "events xbzrle");
  CHECK(table.rows[0][2].text == "events");
}

TEST_CASE("waterfalls and timelines of all runs are there") {
  ReportData out = build_comparison(two_runs());
  CHECK(out.verdicts.size() == 2);
  REQUIRE(out.charts.size() == 2);
  CHECK(out.charts[1].name == "after");
  CHECK(out.charts[1].waterfall);
  CHECK(out.charts[1].timeline);
}

TEST_CASE("the folder that all runs lie in is told of once") {
  auto folder = [](std::vector<std::string> names) {
    std::vector<Run> runs;
    for (const std::string& name : names)
      runs.push_back({name, {}});
    std::string out = take_folder(runs) + ":";
    for (const Run& run : runs)
      out += " " + run.name;
    return out;
  };
  CHECK(folder({"/tmp/x/before", "/tmp/x/besides"}) ==
        "/tmp/x/: before besides");
  CHECK(folder({"a/run", "b/run"}) == ": a/run b/run");
  CHECK(folder({"before", "after"}) == ": before after");
  CHECK(folder({"x/a", "x/a"}) == "x/: a a");
  CHECK(folder({"x/a/run", "x/a"}) == "x/: a/run a");
  std::vector<Run> runs = two_runs();
  for (Run& run : runs)
    run.name = "/tmp/" + run.name;
  ReportData out = build_comparison(runs);
  CHECK(out.subtitle == "before · after, in /tmp/");
  CHECK(out.charts[1].name == "after");
}
