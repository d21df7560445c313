#include "analyzer/clock_evidence.h"

#include "tests/analyzer/events.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using migscope::testing::sample_ms;
using migscope::testing::wall_ms;
using qmp::MigrationStatus;
using Kind = ClockBound::Kind;

namespace {

qmp::Event event(std::string name) {
  return {std::move(name), {}, {}};
}

qmp::Event migration(std::string_view status) {
  return {"MIGRATION", {}, qmp::Json::object().set("status", status)};
}

Sample timed(double asked, uint64_t total_ms,
             MigrationStatus status = MigrationStatus::active) {
  Sample out = sample_ms(asked, status);
  out.info.total_time_ms = total_ms;
  return out;
}

using Strings = std::vector<std::string>;

Strings told(const ClockEvidence& evidence, WallTime zero = wall_ms(0)) {
  Strings out;
  for (const ClockBound& b : evidence.bounds())
    out.push_back(fmt::format("{} {} {} {:.3f}", b.instant,
                              b.kind == Kind::not_before ? ">=" : "<=",
                              to_ms(b.ours - at_ms(0)), to_ms(b.host - zero)));
  return out;
}

} // namespace

TEST_CASE("an event is emitted before it arrives") {
  ClockEvidence out;
  out.event(event("STOP"), mark_ms(10, 3));
  out.event(event("NIC_RX_FILTER_CHANGED"), mark_ms(11, 3));
  CHECK(told(out) == Strings{"STOP <= 13 10.000", "an event <= 14 11.000"});
  REQUIRE(out.newest());
  CHECK(out.newest()->emitted == wall_ms(11));
}

TEST_CASE("and after the question whose answer came before it") {
  ClockEvidence out;
  out.answered(at_ms(8));
  out.answered(at_ms(5)); // asked before
  out.event(event("RESUME"), mark_ms(10, 3));
  out.event(event("BALLOON_CHANGE"), mark_ms(10, 3)); // QEMU holds it back
  out.event(migration("completed"), mark_ms(12, 3));  // another thread's
  CHECK(told(out) == Strings{"RESUME <= 13 10.000", "RESUME >= 8 10.000",
                             "an event <= 13 10.000",
                             "MIGRATION completed <= 15 12.000"});
}

TEST_CASE("a setup follows the command, and only the next one does") {
  ClockEvidence out;
  out.sent("query-status", at_ms(1));
  out.sent("migrate", at_ms(2));
  out.event(migration("setup"), mark_ms(10, 3));
  out.event(migration("setup"), mark_ms(20, 3));
  CHECK(told(out) == Strings{"MIGRATION setup <= 13 10.000",
                             "MIGRATION setup >= 2 10.000",
                             "MIGRATION setup <= 23 20.000"});
}

TEST_CASE("total-time puts an answer on the host's clock") {
  ClockEvidence out;
  out.sample(timed(1, 500)); // of a migration whose setup nobody saw
  out.event(migration("setup"), mark_ms(100));
  out.sample(timed(599, 500)); // not known when it began at the latest
  out.event(event("MIGRATION_PASS"), mark_ms(103));
  out.event(migration("active"), mark_ms(105));
  out.sample(timed(700, 600));
  out.sample(timed(720, 0));
  out.sample(timed(730, ~uint64_t{0}));
  out.sample(timed(740, 600, MigrationStatus::completed));
  out.event(migration("completed"), mark_ms(800));
  out.sample(timed(900, 800));
  // One ms of rounding, and 200 ppm.
  CHECK(told(out) == Strings{"MIGRATION setup <= 100 100.000",
                             "MIGRATION setup and total-time <= 600 598.900",
                             "MIGRATION_PASS <= 103 103.000",
                             "MIGRATION active <= 105 105.000",
                             "MIGRATION setup and total-time <= 701 698.880",
                             "MIGRATION setup and total-time >= 700 704.120",
                             "MIGRATION completed <= 800 800.000"});
}

TEST_CASE("a stamp that is no time bounds nothing") {
  ClockEvidence out;
  EventMark mark = mark_ms(10);
  for (int64_t ns : {int64_t{0}, kMaxTimeNs + 1}) {
    mark.emitted = {ns};
    out.event(migration("setup"), mark);
  }
  out.sample(timed(700, 600));
  CHECK(out.bounds().empty());
  CHECK_FALSE(out.newest());
}
