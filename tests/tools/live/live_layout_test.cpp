#include "tools/live/live_chart.h"
#include "tools/live/live_layout.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::tools;
using analyzer::PassCheck;

namespace {

constexpr uint64_t kMib = 1 << 20;

LiveModel model() {
  LiveModel out;
  out.name = "run.migscope";
  out.interrupt = "ends the recording";
  out.status = qmp::MigrationStatus::active;
  out.elapsed_ms = 75'000;
  out.left = 31 * kMib;
  out.total = 256 * kMib;
  out.sent = 32.0 * kMib;
  out.dirtied = 31.9 * kMib;
  out.limit_ms = 100;
  out.expected_ms = 990;
  for (uint64_t pass = 1; pass <= 12; ++pass) {
    PassCheck check;
    check.pass = out.pass = pass;
    check.verdict = analyzer::Verdict::too_much;
    check.pending_bytes = 31 * kMib;
    check.allowed_bytes = 3 * kMib;
    check.bandwidth = 32.0 * kMib;
    check.downtime_limit_ms = 100;
    check.needed_limit_ms = 990;
    out.checks.push_back(check);
    out.pass_starts_ms.push_back(static_cast<double>(pass - 1) * 6000);
  }
  for (int i = 0; i < 500; ++i)
    out.points.push_back(
        {i * 150.0, 32.0 * kMib, 31.0 * kMib, (40 - i % 40) * 0.8 * kMib});
  out.notices = {"turned something on"};
  return out;
}

std::string all(const LiveCanvas& canvas) {
  std::string out;
  for (size_t row = 0; row < canvas.rows(); ++row)
    out += canvas.text(row) + "\n";
  return out;
}

bool holds(const std::string& text, const std::string& part) {
  CAPTURE(text);
  return text.find(part) != text.npos;
}

} // namespace

TEST_CASE("a usual terminal has everything, the most important first") {
  LiveCanvas canvas = lay_out(model(), {80, 24}, true);
  CHECK(canvas.text(0) ==
        "active  pass 12  01:15" + std::string(46, ' ') + "run.migscope");
  CHECK(canvas.text(1).starts_with("why not yet  31.0 MiB"));
  std::string text = all(canvas);
  for (const char* part :
       {"the end      not as it goes", "sent         32.0 MiB/s",
        "dirtied      31.9 MiB/s", "990 ms expected, limit 100 ms", "█",
        "passes", "  12      31.0      3.0   32.0       100       990",
        "turned something on", "q leaves the view, Ctrl-C ends the recording"})
    CHECK(holds(text, part));
}

TEST_CASE("a narrow one keeps status, pass and why") {
  LiveCanvas canvas = lay_out(model(), {40, 10}, true);
  CHECK(canvas.text(0).starts_with("active  pass 12  01:15"));
  CHECK(holds(all(canvas), "why not yet"));
  CHECK(holds(all(canvas), "the end"));
}

TEST_CASE("without Unicode nothing but ASCII is shown") {
  LiveCanvas canvas = lay_out(model(), {80, 24}, false);
  for (size_t row = 0; row < canvas.rows(); ++row)
    for (size_t column = 0; column < canvas.columns(); ++column)
      CHECK(canvas.at(row, column).glyph < 0x7f);
  CHECK(holds(all(canvas), "::::"));
}

TEST_CASE("every size has a picture") {
  LiveModel hostile = model();
  hostile.name = "\x1b[31m" + std::string(300, 'x');
  hostile.notices.assign(100, "\x1b]0;title\a\n");
  hostile.elapsed_ms = 0;
  for (size_t columns = 0; columns < 130; columns += 3)
    for (size_t rows = 0; rows < 60; ++rows)
      for (const LiveModel& shown : {model(), hostile, LiveModel()}) {
        LiveCanvas canvas = lay_out(shown, {columns, rows}, true);
        CHECK(canvas.rows() == rows);
        bool printable = true;
        for (size_t row = 0; row < rows; ++row)
          for (size_t column = 0; column < columns; ++column)
            printable &= canvas.at(row, column).glyph >= U' ';
        CHECK(printable);
      }
}

TEST_CASE("columns hold the largest value of their time") {
  std::vector<LivePoint> points{{0, 1.0, {}, {}},
                                {10, 5.0, {}, {}},
                                {19, 2.0, {}, {}},
                                {90, 3.0, {}, {}}};
  auto columns = columns_of(points, &LivePoint::sent, 100, 10);
  REQUIRE(columns.size() == 10);
  CHECK(columns[0] == 1.0);
  CHECK(columns[1] == 5.0);
  CHECK(columns[5] == 5.0); // as before
  CHECK(columns[9] == 3.0);
  CHECK_FALSE(columns_of(points, &LivePoint::left, 100, 10)[4]);
  CHECK(columns_of({}, &LivePoint::sent, 100, 0).empty());
}

TEST_CASE("a column is as high as its value, and something is never nothing") {
  LiveCanvas canvas(4, 2);
  draw_columns(canvas, {0, 0, 2}, {0.0, 0.001, 8.0, 12.0}, 16, LiveStyle::sent,
               true);
  CHECK(canvas.text(0) == "   ▄");
  CHECK(canvas.text(1) == " ▁██");
}
