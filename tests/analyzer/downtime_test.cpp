#include "analyzer/downtime.h"

#include "tests/analyzer/events.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using Names = std::vector<std::string>;

namespace {

Timeline paused(double stop, std::optional<double> resume, double way = 0) {
  Timeline out;
  out.source_clock = out.destination_clock = ClockMap::local({});
  out.stop = mark_ms(stop, way);
  if (resume)
    out.resume = mark_ms(*resume, way);
  return out;
}

// A pause of 100 ms whose every mark is there.
PauseMarks full() {
  PauseMarks out;
  out.stop = at_ms(1000);
  out.ram_begin = at_ms(1010);
  out.ram_end = at_ms(1040);
  out.devices_end = at_ms(1045);
  out.stream_end = at_ms(1046);
  out.completed = at_ms(1060);
  out.resume = at_ms(1100);
  return out;
}

Names names(const Downtime& downtime) {
  Names out;
  for (const Phase& phase : downtime.phases)
    out.push_back(phase.name);
  return out;
}

double sum(const Downtime& downtime) {
  double out = downtime.unexplained_ms.value_or(0);
  for (const Phase& phase : downtime.phases)
    out += phase.duration_ms;
  return out;
}

void check_in_order(const Downtime& downtime) {
  double at = 0;
  for (const Phase& phase : downtime.phases) {
    CHECK(phase.start_ms == doctest::Approx(at));
    CHECK(phase.duration_ms >= 0);
    CHECK_FALSE(phase.evidence.empty());
    at = phase.start_ms + phase.duration_ms;
  }
}

} // namespace

TEST_CASE("every piece of a pause, with all its marks") {
  Downtime out = explain_downtime(paused(1000, 1100), full(), 98);
  CHECK(out.total_ms == doctest::Approx(100));
  CHECK(out.qemu_ms == 98);
  CHECK(out.clock_error_ms == 0);
  CHECK(names(out) == Names{"final sync", "last RAM", "device state",
                            "end of stream", "destination"});
  CHECK(out.phases[1].start_ms == doctest::Approx(10));
  CHECK(out.phases[1].duration_ms == doctest::Approx(30));
  CHECK(out.phases[4].duration_ms == doctest::Approx(54));
  CHECK(out.unexplained_ms == doctest::Approx(0));
  CHECK(out.difference.empty());
  check_in_order(out);
}

TEST_CASE("without the stream the monitors tell of two pieces") {
  PauseMarks marks;
  marks.stop = at_ms(1000);
  marks.completed = at_ms(1060);
  marks.resume = at_ms(1100);
  Downtime out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(names(out) == Names{"source", "destination"});
  CHECK(sum(out) == doctest::Approx(100));
  CHECK_FALSE(out.qemu_ms);
  CHECK(out.difference.empty());
}

TEST_CASE("with QEMU's trace the pieces are those of its own work") {
  PauseMarks marks = full();
  marks.flushed = at_ms(1004);
  marks.sync_begin = at_ms(1005);
  marks.sync_end = at_ms(1009);
  marks.ram_saved = at_ms(1039);
  marks.devices_saved = at_ms(1044);
  marks.loaded = at_ms(1080);
  marks.announced = at_ms(1090);
  Downtime out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(names(out) == Names{"disk flush", "switchover", "final sync",
                            "last RAM", "device state", "wire", "load",
                            "activate", "start"});
  CHECK(out.phases[2].duration_ms == doctest::Approx(4));
  CHECK(out.phases[2].evidence ==
        "the source's trace: last bitmap sync begins; "
        "the source's trace: last bitmap sync ends");
  CHECK(out.phases[5].duration_ms == doctest::Approx(2));
  CHECK(out.phases[6].duration_ms == doctest::Approx(34));
  CHECK(sum(out) == doctest::Approx(100));
  check_in_order(out);
}

TEST_CASE("the destination's trace alone splits the destination's part") {
  PauseMarks marks = full();
  marks.loaded = at_ms(1080);
  Downtime out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(names(out) == Names{"final sync", "last RAM", "device state",
                            "end of stream", "load", "start"});
}

TEST_CASE("the source's trace without a stream: no wire, all the same") {
  PauseMarks marks;
  marks.stop = at_ms(1000);
  marks.sync_begin = at_ms(1005);
  marks.sync_end = at_ms(1009);
  marks.ram_saved = at_ms(1039);
  marks.devices_saved = at_ms(1044);
  marks.resume = at_ms(1100);
  Downtime out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(names(out) == Names{"switchover", "final sync", "last RAM",
                            "device state", "destination"});
  CHECK(sum(out) == doctest::Approx(100));
}

TEST_CASE("a wait for migrate-continue is a piece of its own") {
  PauseMarks marks = full();
  marks.wait_begin = at_ms(1002);
  marks.wait_end = at_ms(1009);
  Downtime out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(names(out) == Names{"stop", "pre-switchover", "final sync", "last RAM",
                            "device state", "end of stream", "destination"});
  CHECK(out.phases[1].start_ms == doctest::Approx(2));
  CHECK(out.phases[1].duration_ms == doctest::Approx(7));
  CHECK(out.phases[2].duration_ms == doctest::Approx(1));
  check_in_order(out);
  marks.flushed = at_ms(1001);
  marks.sync_begin = at_ms(1009.2);
  marks.sync_end = at_ms(1009.5);
  out = explain_downtime(paused(1000, 1100), marks, {});
  Names all = names(out);
  REQUIRE(all.size() > 5);
  CHECK(Names(all.begin(), all.begin() + 5) ==
        Names{"disk flush", "stop", "pre-switchover", "switchover",
              "final sync"});
  // While it still waits nothing is known.
  marks = full();
  marks.wait_begin = at_ms(1002);
  out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(names(out).front() == "final sync");
  // Without a stream, too.
  Timeline timeline = paused(1000, 1100);
  timeline.source_statuses = {
      {qmp::MigrationStatus::pre_switchover, mark_ms(1001)},
      {qmp::MigrationStatus::device, mark_ms(1011)},
      {qmp::MigrationStatus::completed, mark_ms(1030)}};
  out = explain_downtime(timeline, pause_marks(timeline, {}, {}), {});
  CHECK(names(out) == Names{"stop", "pre-switchover", "source", "destination"});
  CHECK(out.phases[1].duration_ms == doctest::Approx(10));
  // Without events the samples that show it bound it from within.
  timeline.source_statuses.erase(timeline.source_statuses.begin(),
                                 timeline.source_statuses.begin() + 2);
  for (double ms : {1002, 1004, 1009})
    timeline.samples.push_back(
        testing::sample_ms(ms, qmp::MigrationStatus::pre_switchover, 4, 0.5));
  marks = pause_marks(timeline, {}, {});
  CHECK(marks.wait_begin == at_ms(1002.5));
  CHECK(marks.wait_end == at_ms(1009));
}

TEST_CASE("a postcopy's pause by QEMU's trace, with and without a stream") {
  PauseMarks marks;
  marks.stop = at_ms(1000);
  marks.flushed = at_ms(1001);
  marks.sync_begin = at_ms(1002);
  marks.sync_end = at_ms(1003);
  marks.discarded = at_ms(1006);
  marks.devices_saved = at_ms(1010);
  marks.loaded = at_ms(1030);
  marks.announced = at_ms(1031);
  marks.resume = at_ms(1032);
  const Names saved{"disk flush", "switchover", "final sync", "discards",
                    "device state"};
  Names all = saved;
  all.insert(all.end(), {"load", "activate", "start"});
  Downtime out = explain_downtime(paused(1000, 1032), marks, {});
  CHECK(names(out) == all);
  CHECK(out.unexplained_ms == doctest::Approx(0));
  check_in_order(out);
  marks.package_begin = at_ms(1011);
  marks.package_end = at_ms(1014);
  all.insert(all.begin() + 5, "package");
  out = explain_downtime(paused(1000, 1032), marks, {});
  CHECK(names(out) == all);
  CHECK(out.phases[5].duration_ms == doctest::Approx(4));
  // Without the destination.
  marks.resume = marks.loaded = marks.announced = std::nullopt;
  out = explain_downtime(paused(1000, {}), marks, {});
  CHECK(names(out).back() == "package");
  marks.package_begin = marks.package_end = std::nullopt;
  CHECK(names(explain_downtime(paused(1000, {}), marks, {})) == saved);
}

TEST_CASE("what nothing tells of is unexplained") {
  PauseMarks marks;
  marks.stop = at_ms(1000);
  marks.resume = at_ms(1100);
  Downtime out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(out.phases.empty());
  CHECK(out.unexplained_ms == doctest::Approx(100));
}

TEST_CASE("the rest of a stream that was cut off is unexplained") {
  PauseMarks marks = full();
  marks.devices_end = marks.stream_end = {};
  Downtime out = explain_downtime(paused(1000, 1100), marks, {});
  CHECK(names(out) == Names{"final sync", "last RAM"});
  CHECK(out.unexplained_ms == doctest::Approx(60));
}

TEST_CASE("without STOP there is only QEMU's figure") {
  Timeline timeline;
  Downtime out = explain_downtime(timeline, {}, 30);
  CHECK(out.qemu_ms == 30);
  CHECK_FALSE(out.total_ms);
  CHECK_FALSE(out.unexplained_ms);
  CHECK(out.phases.empty());
}

TEST_CASE("without RESUME the stream still tells of its pieces") {
  PauseMarks marks = full();
  marks.resume = {};
  Downtime out = explain_downtime(paused(1000, {}), marks, {});
  CHECK_FALSE(out.total_ms);
  CHECK_FALSE(out.unexplained_ms);
  CHECK(names(out) ==
        Names{"final sync", "last RAM", "device state", "end of stream"});
  check_in_order(out);
}

TEST_CASE("a STOP that comes after the stream leaves no piece below zero") {
  PauseMarks marks = full();
  marks.stop = at_ms(2000); // over a slow line
  marks.resume = {};
  Downtime out = explain_downtime(paused(2000, {}), marks, {});
  check_in_order(out);
}

TEST_CASE("a RESUME before STOP belongs to something else") {
  PauseMarks marks = full();
  marks.resume = at_ms(900);
  Downtime out = explain_downtime(paused(1000, 900), marks, {});
  CHECK_FALSE(out.total_ms);
  CHECK(out.phases.empty());
}

TEST_CASE("two hosts: by arrival, and nothing is claimed of the clocks") {
  Timeline timeline = paused(1000, 1100);
  timeline.destination_clock = {};
  timeline.resume = mark_ms(9000, -7890); // another wall clock
  PauseMarks marks = pause_marks(timeline, {}, {});
  CHECK(marks.resume == at_ms(1110));
  Downtime out = explain_downtime(timeline, marks, {});
  CHECK(out.total_ms == doctest::Approx(110));
  CHECK_FALSE(out.clock_error_ms);
}

TEST_CASE("a wall clock that is set in the pause does not stretch it") {
  // RESUME was emitted after the clock had been set back by 10 s.
  Timeline timeline = paused(1000, 1100);
  timeline.resume->emitted = testing::wall_ms(1100 - 10'000);
  timeline.resume->arrival.wall = testing::wall_ms(1101 - 10'000);
  timeline.resume->arrival.mono = at_ms(1101);
  PauseMarks marks = pause_marks(timeline, {}, {});
  Downtime out = explain_downtime(timeline, marks, {});
  CHECK(out.total_ms == doctest::Approx(100));
  CHECK(sum(out) == doctest::Approx(100));
}

TEST_CASE("marks in any order: pieces in order, and they add up") {
  std::mt19937 random(1);
  auto any = [&]() -> std::optional<MonoTime> {
    unsigned at = std::uniform_int_distribution<unsigned>(0, 150)(random);
    if (at > 140)
      return {};
    return at_ms(975.0 + at);
  };
  for (int i = 0; i < 5000; ++i) {
    PauseMarks marks;
    marks.stop = at_ms(1000);
    for (auto mark : {&PauseMarks::ram_begin, &PauseMarks::ram_end,
                      &PauseMarks::devices_end, &PauseMarks::stream_end,
                      &PauseMarks::completed, &PauseMarks::flushed,
                      &PauseMarks::sync_begin, &PauseMarks::sync_end,
                      &PauseMarks::ram_saved, &PauseMarks::devices_saved,
                      &PauseMarks::loaded, &PauseMarks::announced})
      marks.*mark = any();
    bool resumed = i % 4 > 0;
    if (resumed)
      marks.resume = at_ms(1100);
    Downtime out = explain_downtime(
        paused(1000, resumed ? std::optional(1100.0) : std::nullopt), marks,
        {});
    check_in_order(out);
    if (resumed)
      CHECK(sum(out) == doctest::Approx(100));
  }
}

TEST_CASE("why QEMU's figure is another one is said with numbers") {
  Downtime out = explain_downtime(paused(1000, 1100), full(), 61);
  CHECK(out.difference ==
        "QEMU's 61 ms begin 1.0 ms before STOP and end at the source's "
        "`completed`, 40.0 ms before the destination's RESUME");
  PauseMarks marks = full();
  marks.completed = {};
  out = explain_downtime(paused(1000, 1100), marks, 61);
  CHECK(out.difference.find("61 ms end when the source is done") !=
        std::string::npos);
}

TEST_CASE("marks come from events, and from offsets by arrival") {
  Timeline timeline = paused(1000, 1100, 2);
  timeline.source_statuses.push_back(
      {qmp::MigrationStatus::active, mark_ms(100)});
  timeline.source_statuses.push_back(
      {qmp::MigrationStatus::completed, mark_ms(1060, 5)});
  StreamMarks stream;
  stream.ram_end_begin = 100;
  stream.ram_end_end = 200;
  stream.eof = 250;
  std::vector<captures::Chunk> chunks{{0, 150, at_ms(1010)},
                                      {150, 50, at_ms(1040)},
                                      {200, 60, at_ms(1045)},
                                      {260, 9, at_ms(1046)}};
  PauseMarks marks = pause_marks(timeline, stream, chunks);
  CHECK(marks.stop == at_ms(1000));
  CHECK(marks.resume == at_ms(1100));
  CHECK(marks.completed == at_ms(1060));
  CHECK(marks.ram_begin == at_ms(1010));
  CHECK(marks.ram_end == at_ms(1040)); // of its last byte
  CHECK(marks.devices_end == at_ms(1045));
  CHECK(marks.stream_end == at_ms(1046));
  marks = pause_marks({}, stream, {});
  CHECK_FALSE(marks.ram_begin);
  CHECK_FALSE(marks.stream_end);
}

TEST_CASE("a postcopy's pause ends with its package, not with the stream") {
  PauseMarks marks;
  marks.stop = at_ms(1000);
  marks.package_begin = at_ms(1004);
  marks.package_end = at_ms(1010);
  marks.completed = at_ms(9000);
  marks.resume = at_ms(1030);
  Downtime out = explain_downtime(paused(1000, 1030), marks, 11);
  CHECK(names(out) == Names{"source", "package", "destination"});
  CHECK(out.phases[0].evidence ==
        "STOP event; first byte of the package at the tee");
  CHECK(out.phases[2].evidence ==
        "last byte of the package at the tee; RESUME event");
  CHECK(out.phases[2].duration_ms == doctest::Approx(20));
  CHECK(out.unexplained_ms == doctest::Approx(0));
  CHECK(out.difference == "QEMU's 11 ms end when the package is sent, 20.0 ms "
                          "before RESUME by its last byte at the tee");
  check_in_order(out);

  marks.package_end = {}; // cut off in it
  out = explain_downtime(paused(1000, 1030), marks, {});
  CHECK(names(out) == Names{"source"});
  CHECK(out.unexplained_ms == doctest::Approx(26));
}
