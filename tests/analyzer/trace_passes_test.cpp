#include "analyzer/trace_passes.h"

#include "analyzer/switchover.h"
#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::sample_ms;
using migscope::testing::wall_ms;

namespace {

constexpr uint64_t kMiB = 1u << 20;

SyncMark pass(uint64_t number, double ms, bool final = false) {
  return {number, at_ms(ms), at_ms(ms), final, Boundary::event};
}

// Half a millisecond long; its log is read 3 ms late.
TracedSync sync(double ms, uint64_t pending = 8 * kMiB, bool in_pause = false) {
  TracedSync out;
  out.start = {wall_ms(ms), at_ms(ms + 3)};
  out.end = {wall_ms(ms + 0.5), at_ms(ms + 3)};
  out.dirty_pages = static_cast<uint64_t>(ms);
  out.in_pause = in_pause;
  out.pending_bytes = pending;
  out.allowed_bytes = 30 * 65536 + 7;
  out.bytes_per_ms = 65536;
  return out;
}

// Its passes are told of right after their syncs, the setup's before it.
const std::vector<SyncMark> kMarks{pass(1, 5), pass(2, 100), pass(3, 200),
                                   pass(4, 202, true)};

Timeline traced(std::vector<TracedSync> syncs = {
                    sync(6), sync(99.4), sync(199.4), sync(201.3, 0, true)}) {
  Timeline out;
  out.source_clock = ClockMap::local({{at_ms(0), wall_ms(0)}});
  out.source_trace.emplace().from_setup = true;
  out.source_trace->syncs = std::move(syncs);
  return out;
}

// The syncs' begins; 0 where there is none.
std::vector<double> joined(const Timeline& timeline,
                           const std::vector<SyncMark>& marks = kMarks) {
  std::vector<double> out;
  for (const TracedSync* sync : traced_syncs(marks, timeline))
    out.push_back(sync ? static_cast<double>(sync->dirty_pages) : 0);
  return out;
}

using Begins = std::vector<double>;

// 30 ms at 64 MiB/s.
Timeline with_samples(Timeline timeline) {
  timeline.samples = {sample_ms(10, qmp::MigrationStatus::active, 1),
                      sample_ms(101, qmp::MigrationStatus::active, 2, 0.5),
                      sample_ms(201, qmp::MigrationStatus::active, 3, 0.5)};
  for (Sample& sample : timeline.samples) {
    sample.info.ram->remaining = kMiB;
    sample.info.ram->mbps = 500;
  }
  timeline.parameters = {{at_ms(1), {30, 0, {}}}};
  return timeline;
}

std::vector<PassCheck> check(const Timeline& timeline) {
  return check_passes(kMarks, timeline, false);
}

} // namespace

TEST_CASE("a whole trace has a sync for each pass, whatever the clocks say") {
  CHECK(joined(traced()) == Begins{6, 99, 199, 201});
  Timeline untimed = traced();
  for (TracedSync& sync : untimed.source_trace->syncs)
    sync.start.emitted = sync.end.emitted = std::nullopt;
  CHECK(joined(untimed) == Begins{6, 99, 199, 201});
  CHECK_FALSE(traced_pass(untimed.source_trace->syncs[0]).sync_ms);
  untimed.source_trace->from_setup = false; // some may be missing
  CHECK(joined(untimed) == Begins{0, 0, 0, 201});
}

TEST_CASE("a part of a trace is put to passes by time") {
  Timeline timeline = traced();
  timeline.source_trace->from_setup = false;
  // The setup's sync comes after the event that stands for it in 11.1.
  CHECK(joined(timeline) == Begins{0, 99, 199, 201});
  timeline.source_trace->syncs.erase(timeline.source_trace->syncs.begin() + 2);
  CHECK(joined(timeline) == Begins{0, 99, 0, 201});
  // Not each sync is a pass: of two the later one was.
  timeline = traced({sync(6), sync(50), sync(99.4), sync(199.4)});
  CHECK(joined(timeline) == Begins{0, 99, 199, 0});
  // A remote clock that nothing is known of.
  timeline.source_clock = {};
  CHECK(joined(timeline) == Begins{0, 0, 0, 0});
  timeline.source_trace.reset();
  CHECK(joined(timeline) == Begins{0, 0, 0, 0});
  CHECK(joined(timeline, {}).empty());
}

TEST_CASE("passes that one sample told of are put to syncs in order") {
  Timeline timeline = traced({sync(20), sync(60), sync(70), sync(80)});
  auto sampled = [](uint64_t number) {
    return SyncMark{number, at_ms(50), at_ms(100), false, Boundary::sampled};
  };
  CHECK(joined(timeline, {sampled(2), sampled(3)}) == Begins{70, 80});
  CHECK(joined(timeline, {sampled(2), sampled(3), sampled(4), sampled(5)}) ==
        Begins{0, 60, 70, 80});
}

TEST_CASE("traced figures take the place of a sample's") {
  auto passes = check(with_samples(traced()));
  REQUIRE(passes.size() == 3);
  const PassCheck& second = passes[1];
  REQUIRE(second.traced);
  CHECK(second.traced->sync_ms == doctest::Approx(0.5));
  CHECK(second.traced->dirty_pages == 99);
  CHECK(second.traced->sampled_bytes == kMiB);
  CHECK(second.pending_bytes == 8 * kMiB);
  CHECK(second.allowed_bytes == 30 * 65536 + 7);
  CHECK(second.sample_delay_ms == 0.0);
  CHECK(second.needed_limit_ms == 128u);      // 8 MiB x 30 ms / allowed
  CHECK(second.verdict == Verdict::too_much); // by the sample it was close
  CHECK(describe(second) ==
        "8.00 MiB left by QEMU's trace (1.00 MiB in the sample), 1.88 MiB "
        "allowed (62.5 MiB/s x 30 ms): needs 4.3x less, or downtime-limit 128 "
        "ms");
  CHECK(passes[2].verdict == Verdict::switched);
}

TEST_CASE("without both figures a sample's are taken") {
  Timeline timeline = with_samples(traced());
  timeline.source_trace->syncs[1].pending_bytes.reset();
  timeline.source_trace->syncs[2].allowed_bytes.reset();
  auto passes = check(timeline);
  CHECK(passes[1].pending_bytes == kMiB);
  CHECK(passes[1].verdict == Verdict::close);
  CHECK(passes[1].traced);
  CHECK(passes[2].pending_bytes == kMiB);
  CHECK_FALSE(is_by_trace(passes[2]));
}

TEST_CASE("little enough by the trace: the destination had not agreed") {
  Timeline timeline = with_samples(traced());
  timeline.source_trace->syncs[1].pending_bytes = 5;
  CHECK(check(timeline)[1].verdict == Verdict::enough);
  timeline.source_capabilities =
      *qmp::Json::parse(R"([{"capability":"switchover-ack","state":true}])");
  CHECK(check(timeline)[1].verdict == Verdict::ack);
}

TEST_CASE("as much as allowed is little enough from 10.1 on") {
  Timeline timeline = with_samples(traced());
  timeline.source_trace->syncs[1].pending_bytes = 30 * 65536 + 7;
  for (auto [minor, expected] :
       {std::pair(0, Verdict::too_much), std::pair(1, Verdict::enough)}) {
    timeline.source_version = qmp::Version{10, minor, 0, ""};
    CHECK(check(timeline)[1].verdict == expected);
  }
}

TEST_CASE("the limit is the one that the threshold was computed with") {
  Timeline timeline = with_samples(traced());
  timeline.parameters.push_back({at_ms(101), {2000, 0, {}}});
  CHECK(check(timeline)[1].downtime_limit_ms == 30u);
  timeline.parameters[0].values.downtime_limit_ms = 20; // neither is
  PassCheck second = check(timeline)[1];
  CHECK_FALSE(second.downtime_limit_ms);
  CHECK(second.bandwidth == 65536000.0);
  CHECK(describe(second).find("(62.5 MiB/s x downtime-limit)") !=
        std::string::npos);
  CHECK(second.needed_limit_ms == 129u);
  // In the first window nothing is allowed.
  timeline.source_trace->syncs[0].allowed_bytes = 0;
  timeline.source_trace->syncs[0].bytes_per_ms = 0;
  CHECK(check(timeline)[0].verdict == Verdict::no_bandwidth);
}

TEST_CASE("rounds are told what their syncs took") {
  std::vector<Round> rounds = rounds_from_marks(kMarks);
  take_syncs(rounds, kMarks, traced());
  REQUIRE(rounds.size() == 4);
  for (const Round& round : rounds)
    CHECK(round.sync_ms == doctest::Approx(0.5));
  CHECK(rounds[3].dirty_pages == 201);
  // Who joined late does not know which round a pass is.
  std::vector<SyncMark> late(kMarks.begin() + 1, kMarks.end());
  rounds = rounds_from_marks(late);
  take_syncs(rounds, late, traced());
  CHECK_FALSE(rounds[0].sync_ms);
}
