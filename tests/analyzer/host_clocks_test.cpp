#include "analyzer/host_clocks.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using migscope::testing::wall_ms;
using qmp::MigrationStatus;

namespace {

// Emitted at `ms` of ours, by a clock that is `skew` ahead; 2 ms on the way.
EventMark skewed(double ms, double skew) {
  EventMark out = mark_ms(ms, 2);
  out.emitted = wall_ms(ms + skew);
  return out;
}

// STOP at 1000, RESUME at 1100; each end was asked 10 ms before its event.
Timeline pause(double source_skew, double destination_skew) {
  Timeline out;
  out.stop = skewed(1000, source_skew);
  out.resume = skewed(1100, destination_skew);
  out.source_evidence.answered(at_ms(990));
  out.source_evidence.event({"STOP", {}, {}}, *out.stop);
  out.destination_evidence.answered(at_ms(1090));
  out.destination_evidence.event({"RESUME", {}, {}}, *out.resume);
  return out;
}

void check_about(std::optional<double> value, double expected) {
  REQUIRE(value);
  CHECK(*value - expected == doctest::Approx(0).epsilon(0.01));
}

} // namespace

TEST_CASE("two hosts: offsets between question and arrival") {
  Timeline timeline = pause(7000, -250);
  Clocks clocks = find_clocks(timeline, false, false, {});
  REQUIRE(clocks.source);
  CHECK(clocks.source->at == "STOP");
  check_about(clocks.source->offset_low_ms, 6998);
  check_about(clocks.source->offset_high_ms, 7010);
  CHECK(clocks.source->low_evidence == "STOP: its arrival here");
  CHECK(clocks.source->high_evidence ==
        "STOP: the question whose answer came before it");
  CHECK_FALSE(clocks.source->drift_low_ppm);
  REQUIRE(clocks.destination);
  CHECK(clocks.destination->at == "RESUME");
  check_about(clocks.destination->offset_low_ms, -252);
  check_about(clocks.destination->offset_high_ms, -240);
  // Half of 12 ms each.
  check_about(to_ms(*timeline.source_clock.error_at(*timeline.stop)), 6);
  check_about(
      to_ms(timeline.destination_clock.at(*timeline.resume) - at_ms(1096)), 0);
}

TEST_CASE("local monitors have our clock") {
  Timeline timeline = pause(0, 0);
  Clocks clocks = find_clocks(timeline, true, true, {});
  CHECK(clocks.source->local);
  CHECK(clocks.destination->offset_high_ms == 0);
  CHECK(timeline.source_clock.at(*timeline.stop) == at_ms(1000));
}

TEST_CASE("a local STOP bounds the other end's RESUME from below") {
  Timeline timeline = pause(0, -250);
  timeline.resume = skewed(1004, -250); // 4 ms after it, nothing asked before
  timeline.destination_evidence = {};
  timeline.destination_evidence.event({"RESUME", {}, {}}, *timeline.resume);
  timeline.destination_evidence.answered(at_ms(500));
  timeline.destination_evidence.event({"RESUME", {}, {}}, *timeline.resume);
  Clocks clocks = find_clocks(timeline, true, false, {});
  CHECK(clocks.destination->high_evidence == "RESUME: the source's STOP");
  check_about(clocks.destination->offset_high_ms, -246);
}

TEST_CASE("the tee bounds setup, STOP and RESUME") {
  Timeline timeline = pause(7000, -250);
  timeline.source_statuses.push_back(
      {MigrationStatus::setup, skewed(100, 7000)});
  StreamTimes stream;
  stream.marks.switchover = 10;
  stream.marks.eof = 20;
  std::vector<captures::Chunk> chunks{
      {0, 10, at_ms(101)}, {10, 10, at_ms(1001)}, {20, 1, at_ms(1098)}};
  stream.chunks = chunks;
  Clocks clocks = find_clocks(timeline, false, false, stream);
  CHECK(clocks.source->low_evidence ==
        "STOP: the pause's first byte at the tee");
  check_about(clocks.source->offset_low_ms, 6999);
  CHECK(clocks.destination->high_evidence ==
        "RESUME: the end-of-stream byte at the tee");
  check_about(clocks.destination->offset_high_ms, -248);
  // Cut off: whose events these are is not known.
  timeline = pause(7000, -250);
  stream.marks.eof = {};
  clocks = find_clocks(timeline, false, false, stream);
  check_about(clocks.source->offset_low_ms, 6998);
}

TEST_CASE("a RESUME before STOP binds nothing") {
  Timeline timeline = pause(7000, -250);
  timeline.stop = skewed(2000, 7000);
  timeline.source_evidence = {};
  timeline.source_evidence.answered(at_ms(1990));
  timeline.source_evidence.event({"STOP", {}, {}}, *timeline.stop);
  Clocks clocks = find_clocks(timeline, false, false, {});
  CHECK(clocks.source->contradiction.empty());
  CHECK(clocks.destination->contradiction.empty());
}

TEST_CASE("a clock that was set: said so, and arrivals are taken") {
  Timeline timeline = pause(7000, -250);
  timeline.source_evidence.event({"STOP", {}, {}}, skewed(1001, 5000));
  timeline.source_evidence.event({"STOP", {}, {}}, skewed(1001, 9000));
  Clocks clocks = find_clocks(timeline, false, false, {});
  CHECK(clocks.source->contradiction.find("STOP: its arrival here") !=
        std::string::npos);
  CHECK_FALSE(clocks.source->offset_low_ms);
  CHECK(timeline.source_clock.at(*timeline.stop) == at_ms(1002));
  CHECK_FALSE(timeline.source_clock.error_at(*timeline.stop));
}

TEST_CASE("a monitor that said nothing has no clock") {
  Timeline timeline;
  Clocks clocks = find_clocks(timeline, false, false, {});
  CHECK_FALSE(clocks.source);
  CHECK_FALSE(clocks.destination);
}
