#include "tools/report/html.h"

#include "tests/tools/render/analyses.h"
#include "tools/report/build_report.h"
#include "tools/report/sections.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::tools;
using migscope::testing::hostile_analysis;
using migscope::testing::known_analysis;
using migscope::testing::known_requests;

namespace {

constexpr size_t kMostBytes = 2u << 20;

size_t occurrences(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos;
       at = text.find(part, at + 1))
    ++count;
  return count;
}

std::string render(Analysis analysis) {
  return render_html(build_report({"run.migscope", std::move(analysis)}));
}

// What a browser would take as markup is as much as without hostile texts.
void check_markup(const std::string& page) {
  CHECK(occurrences(page, "<script") == 4);
  CHECK(occurrences(page, "</script>") == 4);
  CHECK(occurrences(page, "<style>") == 1);
  CHECK(occurrences(page, "<img") == 0);
  CHECK(occurrences(page, "onerror=") == 0);
}

} // namespace

TEST_CASE("a report has all sections, in the order of a reader's questions") {
  Analysis analysis = known_analysis();
  analysis.postcopy = known_requests();
  analysis.what_if.emplace();
  std::string page = render(analysis);
  size_t at = 0;
  for (const char* id :
       {"verdict", "downtime", "timeline", "rounds", "memory", "composition",
        "postcopy", "findings", "what-if", "problems", "evidence"}) {
    size_t found = page.find(fmt::format("<section id=\"{}\"", id));
    CHECK_MESSAGE(found != page.npos, id);
    CHECK(found > at);
    at = found;
  }
  CHECK(page.find("The migration completed in 700.0 ms; the guest stood still "
                  "for 45.7 ms (QEMU says 21 ms).") != page.npos);
  CHECK(page.size() < 512u << 10);
  check_markup(page);
}

TEST_CASE("the page's policy allows its own scripts and nothing else") {
  std::string page = render(known_analysis());
  size_t begin = page.find("http-equiv=\"Content-Security-Policy\"");
  std::string policy = page.substr(begin, page.find('>', begin) - begin);
  CHECK(policy.find("default-src 'none'") != policy.npos);
  CHECK(occurrences(policy, "'sha256-") == 4);
  CHECK(policy.find("unsafe") == policy.npos);
  for (const char* asks : {"http://", "https://", " src=", "@import", "url("})
    CHECK(page.substr(0, page.find("</head>")).find(asks) == page.npos);
  CHECK(occurrences(page, "style=\"") == 0); // the policy would forbid it
}

TEST_CASE("hostile texts stay texts, and numbers do not break it") {
  for (const std::string& name :
       {std::string("</script><img src=x onerror=\"alert(1)\">"),
        std::string("'\"><style>*{display:none}</style><!--"),
        std::string("\xE2\x80\xA8\xE2\x80\xAE\xff\x00{{script}}", 19),
        std::string(100'000, '<')}) {
    std::string page = render(hostile_analysis(name));
    CHECK(page.size() < kMostBytes);
    CHECK(occurrences(page, "<script") == 4);
    CHECK(occurrences(page, "<style>") == 1);
    CHECK(occurrences(page, "<img") == 0);
    Analysis hostile = hostile_analysis(name);
    std::vector<Run> runs{{name, hostile}, {name, hostile}, {name, hostile}};
    std::string compared = render_html(build_comparison(runs));
    CHECK(compared.size() < kMostBytes);
    CHECK(occurrences(compared, "<script") == 4);
    CHECK(occurrences(compared, "<img") == 0);
  }
}

TEST_CASE("warnings stand first among findings, the rest in its order") {
  Analysis analysis = known_analysis();
  analysis.findings = {{"a", Severity::info, "one", ""},
                       {"b", Severity::warning, "two", ""},
                       {"c", Severity::info, "three", ""},
                       {"d", Severity::warning, "four", ""}};
  std::string order;
  for (const FindingText& finding : findings_section(analysis).findings)
    order += finding.text + " ";
  CHECK(order == "two four one three ");
}

TEST_CASE("one of a kind is told of as one") {
  Analysis analysis = known_analysis();
  analysis.postcopy = known_requests();
  analysis.postcopy->requests = 1;
  analysis.postcopy->pages_unasked = 1;
  analysis.stop_and_copy->pages = 1;
  analysis.time_series.samples.resize(1);
  std::string page = render(analysis);
  for (const char* text :
       {"1 page was asked for", "; 1 page came unasked", "1 page of RAM,",
        "told in 1 sample.", "1 reply to query-migrate"})
    CHECK_MESSAGE(page.find(text) != page.npos, text);
}

TEST_CASE("any capture's report is below two MiB") {
  Analysis analysis = known_analysis();
  const std::string name(200, 'n');
  TimeSeries& series = analysis.time_series;
  const SamplePoint sample = series.samples.back();
  series.samples.clear();
  for (uint64_t i = 0; i < 500'000; ++i) {
    series.samples.push_back(sample);
    series.samples.back().t_ms = static_cast<double>(i) * 50.123456;
    series.samples.back().mbps = static_cast<double>(i * 7919 % 1000) + 0.1;
    series.samples.back().remaining_bytes = i * 7'919'111 % (1u << 30);
  }
  series.passes.clear();
  analysis.passes.clear();
  const Round round = analysis.rounds.back();
  for (uint64_t i = 1; i <= 20'000; ++i) {
    series.passes.push_back({i, static_cast<double>(i) * 1000});
    PassCheck check;
    check.pass = i;
    check.allowed_bytes = i * 4096;
    analysis.passes.push_back(check);
    analysis.rounds.push_back(round);
    analysis.rounds.back().number = i;
  }
  series.limits.assign(20'000, {1, 2, 3});
  series.statuses.assign(20'000, {qmp::MigrationStatus::active, 5});
  HeatMap& heat = *analysis.heat_map;
  heat.columns.assign(128, {1'234'567, 1'234'568, false});
  heat.bins.assign(4608, {name,
                          1ull << 39,
                          1ull << 51,
                          1ull << 31,
                          {{name, 1ull << 30, 1ull << 30},
                           {name + "2", 1ull << 30, 1ull << 30},
                           {name + "3", 1ull << 30, 1ull << 30}}});
  heat.cells.clear();
  for (size_t column = 0; column < 128; ++column)
    for (size_t bin = 0; bin < 512; ++bin)
      heat.cells.push_back({column, bin, 4'294'967'295, 4'294'967'295});
  for (uint64_t i = 0; i < 10'000; ++i) {
    analysis.input.problems.push_back({Severity::error, name, i, name});
    analysis.stop_and_copy->devices.emplace_back().name = name;
    analysis.ram->blocks.push_back(analysis.ram->blocks.front());
  }
  CHECK(render(analysis).size() < kMostBytes);
}

TEST_CASE("what nothing explains stands in the waterfall as such") {
  Analysis analysis = known_analysis();
  Waterfall out = waterfall(analysis.downtime);
  REQUIRE(out.bars.size() == 5);
  CHECK(out.bars.back().side == "unexplained");
  CHECK(out.bars.back().start_ms == doctest::Approx(44.2));
  CHECK(out.bars.back().duration_ms == doctest::Approx(1.5));
  CHECK(out.bars[3].side == "destination");
  // In the middle, too.
  analysis.downtime.phases.erase(analysis.downtime.phases.begin() + 1);
  out = waterfall(analysis.downtime);
  REQUIRE(out.bars.size() == 5);
  CHECK(out.bars[1].side == "unexplained");
  CHECK(out.bars[1].duration_ms == doctest::Approx(20));
  // Without an end nothing is said of it.
  analysis.downtime.total_ms.reset();
  CHECK(waterfall(analysis.downtime).bars.size() == 4);
}

TEST_CASE("of many rounds the largest are drawn") {
  Analysis analysis = known_analysis();
  Round round = analysis.rounds.front();
  analysis.rounds.clear();
  for (uint64_t i = 1; i <= 1500; ++i) {
    round.number = i;
    round.pages = i == 777 ? 99'999 : 100;
    round.resent_pages = 100;
    analysis.rounds.push_back(round);
  }
  auto data = rounds_data(analysis);
  REQUIRE(data);
  CHECK(data->bars.size() <= 150);
  bool found = false;
  for (const RoundBar& bar : data->bars)
    if (bar.label.starts_with("777, the largest of ")) {
      found = true;
      CHECK(bar.fresh == 99'899);
      CHECK(bar.same == 12);
      CHECK(bar.changed == 88);
    }
  CHECK(found);
}

TEST_CASE("the map is laid out by guest address, other blocks behind") {
  Analysis analysis = known_analysis();
  HeatMap& heat = *analysis.heat_map;
  heat.bins = {{"rom", 0, {}, 4096, {}},
               {"high", 0, 1ull << 32, 4096, {}},
               {"low", 0, 0, 4096, {}}};
  heat.cells = {{0, 0, 1, 0}, {0, 1, 2, 0}, {0, 2, 3, 1}};
  auto out = heat_data(analysis);
  REQUIRE(out);
  CHECK(out->bins[0].block == "low");
  CHECK(out->bins[1].block == "high");
  CHECK(out->bins[2].block == "rom");
  REQUIRE(out->cells.size() == 3);
  CHECK(out->cells[0].pages == 3);
  CHECK(out->cells[2].pages == 1);
}

TEST_CASE("a map of more cells than a screen shows has wider columns") {
  Analysis analysis = known_analysis();
  HeatMap& heat = *analysis.heat_map;
  heat.columns.clear();
  for (size_t round = 1; round <= 101; ++round)
    heat.columns.push_back({round, round, round == 101});
  heat.bins.assign(512, heat.bins.front());
  heat.cells.clear();
  for (size_t column = 0; column < 101; ++column)
    for (size_t bin = 0; bin < 512; ++bin)
      heat.cells.push_back({column, bin, 2, 1});
  auto out = heat_data(analysis);
  REQUIRE(out);
  REQUIRE(out->columns.size() == 51);
  CHECK(out->columns[1].first_round == 3);
  CHECK(out->columns[1].last_round == 4);
  CHECK(out->columns[50].pause);
  CHECK(out->columns[50].first_round == 101);
  CHECK(out->cells.size() == 51 * 512);
  CHECK(out->cells.front().pages == 4);
  CHECK(out->cells.front().resent_pages == 2);
  CHECK(out->cells.back().pages == 2);
}
