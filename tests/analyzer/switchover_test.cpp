#include "analyzer/switchover.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>
#include <limits>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using migscope::testing::sample_ms;
using qmp::MigrationStatus;

namespace {

constexpr uint64_t kMiB = 1u << 20;
// 64 MiB/s.
constexpr double kMbps = 64.0 * kMiB * 8 / 1e6;

Sample sample(double ms, uint64_t pass, uint64_t remaining,
              double mbps = kMbps) {
  Sample out = sample_ms(ms, MigrationStatus::active, pass, 0.5);
  out.info.ram->remaining = remaining;
  out.info.ram->mbps = mbps;
  return out;
}

SyncMark sync(uint64_t number, double ms, bool final = false) {
  return {number, at_ms(ms), at_ms(ms), final, Boundary::event};
}

ParametersMark limit(double ms, uint64_t limit_ms, uint64_t max = 0,
                     uint64_t avail = 0) {
  return {at_ms(ms), {limit_ms, max, avail}};
}

// Three passes of which the last one switches over; 50 ms at 64 MiB/s are
// 3.2 MiB.
Timeline three_passes() {
  Timeline out;
  out.samples = {sample(10, 1, 100 * kMiB, 0), sample(100, 2, 32 * kMiB),
                 sample(200, 3, 2 * kMiB)};
  out.parameters = {limit(1, 50)};
  return out;
}

const std::vector<SyncMark> kThree{sync(1, 5), sync(2, 99), sync(3, 199),
                                   sync(4, 201, true)};

std::vector<PassCheck> check(const Timeline& timeline,
                             const std::vector<SyncMark>& marks = kThree,
                             bool by_command = false) {
  return check_passes(marks, timeline, by_command);
}

} // namespace

TEST_CASE("why each pass did not switch over, and the last one did") {
  auto passes = check(three_passes());
  REQUIRE(passes.size() == 3); // the final sync has nothing to decide
  CHECK(passes[0].verdict == Verdict::no_bandwidth);
  CHECK(describe(passes[0]) == "100.0 MiB left 5.5 ms into the pass, nothing "
                               "allowed: no bandwidth was measured yet");
  CHECK(passes[1].verdict == Verdict::too_much);
  CHECK(passes[1].pending_bytes == 32 * kMiB);
  CHECK(passes[1].allowed_bytes == 64 * kMiB / 20);
  CHECK(passes[1].needed_limit_ms == 501u);
  CHECK(passes[1].sample_delay_ms == 1.5);
  CHECK(describe(passes[1]) ==
        "32.0 MiB left, 3.20 MiB allowed (64.0 MiB/s x 50 ms): needs 10.0x "
        "less, or downtime-limit 501 ms");
  CHECK(passes[2].verdict == Verdict::switched);
  CHECK(describe(passes[2]) ==
        "2.00 MiB left, 3.20 MiB allowed (64.0 MiB/s x 50 ms)");
}

TEST_CASE("a migration that never switched is judged to its last pass") {
  auto passes = check(three_passes(), {sync(1, 5), sync(2, 99)});
  REQUIRE(passes.size() == 2);
  CHECK(passes[1].verdict == Verdict::too_much);
  CHECK(check(three_passes(), {}).empty());
}

TEST_CASE("the parameters are those that were told first in the pass") {
  // Raised in pass 2; what brings QEMU to sync, it is asked for after that.
  Timeline timeline = three_passes();
  timeline.parameters = {limit(1, 10), limit(101, 10), limit(202, 1000)};
  auto passes = check(timeline);
  CHECK(passes[1].downtime_limit_ms == 10u);
  CHECK(passes[2].downtime_limit_ms == 1000u);
  // A reply that comes in the next pass only is not this one's.
  timeline.parameters = {limit(1, 10), limit(199.5, 1000)};
  CHECK(check(timeline)[1].downtime_limit_ms == 10u);
  timeline.parameters.clear();
  CHECK(check(timeline)[1].verdict == Verdict::unknown);
}

TEST_CASE("parameters that QEMU did not act on came after the sync") {
  Timeline timeline = three_passes();
  timeline.parameters = {limit(1, 10), limit(101, 2000), limit(202, 2000)};
  auto passes = check(timeline);
  CHECK(passes[1].downtime_limit_ms == 10u);
  CHECK(passes[1].verdict == Verdict::too_much);
  CHECK(passes[2].downtime_limit_ms == 2000u);
}

TEST_CASE("a sample of the stopped guest is none of the pass") {
  // 11.1 does not count the final sync.
  Timeline timeline = three_passes();
  timeline.samples[2].info.status = MigrationStatus::device;
  PassCheck last = check(timeline)[2];
  CHECK(last.verdict == Verdict::switched);
  CHECK_FALSE(last.pending_bytes);
  CHECK(last.allowed_bytes == 64 * kMiB / 20); // from the newest before
}

TEST_CASE("the rate is the user's where it is set, else what was measured") {
  Timeline timeline = three_passes();
  timeline.parameters = {limit(1, 50, 64 * kMiB)};
  CHECK(check(timeline)[1].at_max_bandwidth);
  CHECK(
      describe(check(timeline)[1])
          .ends_with(
              "; that rate is max-bandwidth, which the pause is not held to"));
  timeline.parameters = {limit(1, 50, 64 * kMiB, 320 * kMiB)};
  PassCheck second = check(timeline)[1];
  CHECK(second.bandwidth_is_set);
  CHECK_FALSE(second.at_max_bandwidth);
  CHECK(second.allowed_bytes == 320 * kMiB / 1000 * 50); // as QEMU rounds
  CHECK(describe(second).find("(avail-switchover-bandwidth 320.0 MiB/s x 50 "
                              "ms)") != std::string::npos);
}

TEST_CASE("a throttled guest is told of") {
  Timeline timeline = three_passes();
  timeline.samples[1].info.cpu_throttle_percentage = 40;
  CHECK(describe(check(timeline)[1]).ends_with("; guest throttled by 40 %"));
}

TEST_CASE("the first sample of the new count is the one after the sync") {
  Timeline timeline = three_passes();
  // Asked after the sync, and answered with the old count: mid-pass.
  timeline.samples.insert(timeline.samples.begin() + 1,
                          {sample(99.2, 1, kMiB / 2)});
  timeline.samples.push_back(sample(200.8, 3, 0));
  auto passes = check(timeline);
  CHECK(passes[1].pending_bytes == 32 * kMiB);
  CHECK(passes[2].pending_bytes == 2 * kMiB);
}

TEST_CASE("a sample in mid-pass is no proof that little was left") {
  Timeline timeline = three_passes();
  timeline.samples[1] = sample(150, 2, 3 * kMiB); // 51.5 ms late
  PassCheck second = check(timeline)[1];
  CHECK_FALSE(is_after_sync(second));
  CHECK(second.verdict == Verdict::unknown);
  CHECK(describe(second).starts_with("3.00 MiB left 51.5 ms into the pass"));
  // Too much even then was too much before.
  timeline.samples[1] = sample(150, 2, 4 * kMiB);
  CHECK(check(timeline)[1].verdict == Verdict::too_much);
  // Of much, a few milliseconds take little away.
  timeline.samples[1] = sample(150, 2, 64 * kMiB);
  CHECK(is_after_sync(check(timeline)[1]));
  timeline.samples.erase(timeline.samples.begin() + 1);
  CHECK(check(timeline)[1].verdict == Verdict::unknown);
  CHECK(describe(check(timeline)[1])
            .starts_with("no sample tells what was left"));
}

TEST_CASE("little enough, and yet no switchover") {
  Timeline timeline = three_passes();
  timeline.samples[1] = sample(100, 2, kMiB);
  CHECK(check(timeline)[1].verdict == Verdict::close);
  timeline.source_capabilities =
      *qmp::Json::parse(R"([{"capability":"switchover-ack","state":true}])");
  CHECK(check(timeline)[1].verdict == Verdict::close); // nothing tells
  timeline.switchover_ack = at_ms(98);
  CHECK(check(timeline)[1].verdict == Verdict::close);
  timeline.switchover_ack = at_ms(150);
  CHECK(check(timeline)[1].verdict == Verdict::close);
  timeline.source_version = qmp::Version{10, 0, 2, ""};
  CHECK(check(timeline)[1].verdict == Verdict::ack);
  timeline.source_version->major = 11; // it may not wait for it
  CHECK(check(timeline)[1].verdict == Verdict::close);
  timeline.source_version->major = 10;
  CHECK(describe(check(timeline)[1])
            .ends_with("switchover-ack waits for the "
                       "destination"));
}

TEST_CASE("QEMU 11.1 counts devices, too") {
  Timeline timeline = three_passes();
  timeline.samples[2].info.remaining = 5 * kMiB;
  CHECK(check(timeline)[2].pending_bytes == 5 * kMiB);
  timeline.samples[2].info.remaining = 0; // of an earlier look
  CHECK(check(timeline)[2].pending_bytes == 2 * kMiB);
}

TEST_CASE("postcopy ends its last pass by command") {
  Timeline timeline = three_passes();
  timeline.stop = mark_ms(150);
  timeline.source_clock = ClockMap::local({});
  auto passes = check(timeline, kThree, true);
  REQUIRE(passes.size() == 2);
  CHECK(passes[1].verdict == Verdict::switched);
}

TEST_CASE("hostile figures neither overflow nor divide") {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  Timeline timeline = three_passes();
  for (double mbps :
       {0.0, -1.0, 1e308, 1e-300, std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()})
    for (uint64_t any : {uint64_t{0}, kMost}) {
      timeline.samples[1] = sample(100, 2, any, mbps);
      timeline.parameters = {{at_ms(1), {any, any, {}}}};
      for (const PassCheck& pass : check(timeline))
        CHECK_FALSE(describe(pass).empty());
    }
  timeline.samples[1].info.ram->remaining.reset();
  timeline.samples[0].info.ram->mbps.reset();
  timeline.samples[2].info.ram->mbps.reset();
  timeline.samples[0].info.ram->dirty_sync_count = kMost;
  timeline.parameters = {{at_ms(1), {}}};
  for (const PassCheck& pass :
       check(timeline, {{kMost,
                         {std::numeric_limits<int64_t>::min()},
                         at_ms(5),
                         false,
                         Boundary::sampled},
                        sync(2, 99),
                        sync(3, 199)})) {
    CHECK(pass.verdict == Verdict::unknown);
    CHECK_FALSE(describe(pass).empty());
  }
}
