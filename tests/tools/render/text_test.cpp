#include "tools/render/text.h"

#include "tests/tools/render/analyses.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <sstream>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::hostile_analysis;
using migscope::testing::known_analysis;
using migscope::testing::known_requests;
using migscope::tools::render_text;

namespace {

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

bool has_line(const std::string& text, const std::string& line) {
  auto all = lines(text);
  return std::find(all.begin(), all.end(), line) != all.end();
}

void check_fits_terminal(const std::string& text) {
  for (const std::string& line : lines(text)) {
    CHECK(line.size() <= 80);
    CHECK(std::all_of(line.begin(), line.end(),
                      [](char c) { return c >= 0x20 && c < 0x7f; }));
  }
}

// The titles at the beginning of lines, in order.
std::vector<std::string> titles(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string& line : lines(text)) {
    if (line.empty())
      break;
    if (line[0] != ' ')
      out.push_back(line.substr(0, line.find("  ")));
  }
  return out;
}

const std::vector<std::string> kTitles{"outcome", "total", "downtime",
                                       "made of", "rounds"};

} // namespace

TEST_CASE("the first five lines answer") {
  std::string text = render_text(known_analysis());
  auto out = lines(text);
  REQUIRE(out.size() > 5);
  CHECK(out[0] ==
        "outcome    completed, pc-i440fx-10.0, QEMU 10.0.2 to 11.1.3");
  CHECK(out[1] == "total      700.0 ms, 3.0 ms of it setup, stream of 3.8 MiB");
  CHECK(out[2] ==
        "downtime   45.7 ms from STOP to RESUME; QEMU says 21 ms, the "
        "guest 45.2 ms");
  CHECK(out[3] == "made of    last RAM 20.0, destination 20.0, other 4.2, "
                  "unexplained 1.5 ms");
  CHECK(out[4] == "rounds     2: rounds could not shrink");
  auto expected = kTitles;
  expected.push_back("clock"); // of the host that is not ours
  CHECK(titles(text) == expected);
  check_fits_terminal(text);
}

TEST_CASE("problems, findings and tables follow") {
  std::string text = render_text(known_analysis());
  CHECK(has_line(text, "warning: channel-0.zst: at 0x1234: odd"));
  CHECK(has_line(text, "- QEMU counted 800"));
  CHECK(has_line(text, "     3.2  20.0  last RAM"));
  CHECK(has_line(text, "           1.5  unexplained"));
  CHECK(has_line(text, "128.0    1000      200        20  pc.ram"));
  CHECK(has_line(
      text, "    100         60   600        20  pc.ram 0x200000 (2.0 MiB)"));
  CHECK(has_line(text, "30000       12   24.0     0.50     0.75  cpu/0"));
  CHECK(has_line(text, "   1      32.0      3.2   64.0        50       501  "
                       "too much left * +"));
  CHECK(has_line(text, "+ as QEMU's trace has it; a sample was later, or is "
                       "missing"));
  CHECK(has_line(text, "   2      32.0      3.2   64.0        50       501  "
                       "switched over +"));
  CHECK(has_line(text, "    1  80.2   25.0     10.5      0.0  60.0     42  "
                       "max-bandwidth"));
  // The finding about rounds stands above and only there.
  CHECK_FALSE(has_line(text, "- 2: rounds could not shrink"));
}

TEST_CASE("what is not known is not zero") {
  Analysis nothing;
  std::string text = render_text(nothing);
  CHECK(titles(text) == kTitles);
  CHECK(has_line(text, "outcome    unknown"));
  CHECK(has_line(text, "total      unknown without a monitor"));
  Analysis failed;
  failed.vm.qemu = "7.2.22";
  CHECK(has_line(render_text(failed), "total      unknown"));
  CHECK(has_line(text, "downtime   unknown without STOP and RESUME; QEMU's "
                       "figure is unknown"));
  CHECK(has_line(text, "made of    unknown"));
  CHECK(has_line(text, "rounds     none seen"));
  CHECK(lines(text).size() == 5);
}

TEST_CASE("pieces of a pause whose end is not known") {
  Analysis analysis;
  analysis.downtime.phases = {{"final sync", 0, 1, ""},
                              {"last RAM", 1, 3, ""},
                              {"device state", 4, 0.01, ""},
                              {"end of stream", 4.01, 2, ""}};
  std::string text = render_text(analysis);
  CHECK(has_line(text, "downtime   unknown without RESUME; QEMU's figure is "
                       "unknown"));
  CHECK(has_line(text, "made of    last RAM 3.0, end of stream 2.0, final sync "
                       "1.0 ms, then unknown"));
}

TEST_CASE("rounds that only a monitor told of have no pages") {
  Analysis analysis;
  Round round;
  round.number = 1;
  analysis.rounds = {round};
  CHECK(has_line(render_text(analysis),
                 "    1         ?   ?      ?     ?        "
                 "?    ?         ?  exact"));
}

TEST_CASE("a total by arrival says so") {
  Analysis analysis = known_analysis();
  analysis.downtime.clock_error_ms = {};
  CHECK(has_line(render_text(analysis),
                 "downtime   45.7 ms from STOP to RESUME as they arrived here; "
                 "QEMU says 21 ms,"));
}

TEST_CASE("a total over two hosts has its error, and each clock a line") {
  Analysis analysis = known_analysis();
  analysis.downtime.clock_error_ms = 1.25;
  analysis.downtime.guest.reset();
  std::string text = render_text(analysis);
  CHECK(has_line(text, "downtime   45.7 ms +- 1.2 ms from STOP to RESUME; QEMU "
                       "says 21 ms"));
  CHECK(has_line(text, "clock      the source's is +6999.5 to +7000.8 ms "
                       "against ours at STOP, gains +90"));
  CHECK(has_line(text, "           to +110 ppm (STOP: low; STOP: high)"));
  CHECK(text.find("the destination's") == std::string::npos); // local
  analysis.clocks.destination = HostClock{};
  CHECK(has_line(render_text(analysis),
                 "clock      the destination's is not known: its events are "
                 "taken as they arrived"));
}

TEST_CASE("a postcopy's page requests have a line and a table") {
  Analysis analysis = known_analysis();
  analysis.postcopy = known_requests();
  analysis.blocktime = {12, {}, 250'000, {}, {}, {}};
  std::string text = render_text(analysis);
  CHECK(text.find("\npostcopy   9 pages asked for by the destination, 8 "
                  "answered in 1.5") != text.npos);
  CHECK(text.find("40.0 ms; cut; 100 came unasked (") != text.npos);
  CHECK(has_line(text, "blocktime  QEMU's: all vCPUs waited for pages at once "
                       "for 12 ms, 0.250 ms a page"));
  CHECK(has_line(text, "    5     1.5    40.0    40.0    40.0  preempt"));
  check_fits_terminal(text);
}

TEST_CASE("a hostile recording keeps to the terminal's 80 columns") {
  for (const std::string& name :
       {std::string(), std::string(100'000, 'x'), std::string(300, ' '),
        std::string("\x1b[31m\r\n\t\0\x7f", 10), std::string(500, '\n'),
        std::string("\xc2\x9b"
                    "2J\xff\xfe"),
        std::string(200, '\xe4')}) {
    std::string text = render_text(hostile_analysis(name));
    check_fits_terminal(text);
    CHECK(text.substr(0, 11) == "outcome    ");
  }
}

TEST_CASE("a hostile recording does not fill the screen without end") {
  std::string text = render_text(hostile_analysis("x"));
  CHECK(lines(text).size() < 300);
  CHECK(has_line(text, "and 80 more problems"));
}
