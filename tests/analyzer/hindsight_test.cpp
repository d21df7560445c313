#include "analyzer/hindsight.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::sample_ms;
using qmp::MigrationStatus;

namespace {

constexpr uint64_t kMiB = 1u << 20;

// At 64 MiB/s, 1 ms after its sync.
PassCheck pass(uint64_t number, uint64_t mib, Verdict verdict) {
  PassCheck out;
  out.pass = number;
  out.verdict = verdict;
  out.pending_bytes = mib * kMiB;
  out.sample_delay_ms = 1;
  out.bandwidth = 64.0 * kMiB;
  out.downtime_limit_ms = 50;
  out.allowed_bytes = 64 * kMiB / 20;
  out.needed_limit_ms = mib * 1000 / 64 + 1;
  return out;
}

// Raised to 1 s after pass 3: pass 4 switched with 16 MiB, of which 20 were
// there to send at last. All else took 30 ms.
Analysis late_switch() {
  Analysis out;
  out.outcome.mode = "precopy";
  out.vm.page_size = 4096;
  out.passes = {pass(1, 200, Verdict::too_much), pass(2, 8, Verdict::too_much),
                pass(3, 30, Verdict::too_much), pass(4, 16, Verdict::switched)};
  out.passes[3].downtime_limit_ms = 1000;
  out.passes[3].allowed_bytes = 64 * kMiB;
  out.downtime.total_ms = 342.5;
  out.downtime.phases = {{"final sync", 0, 10, ""},
                         {"last RAM", 10, 312.5, ""},
                         {"destination", 322.5, 20, ""}};
  out.stop_and_copy.emplace();
  out.stop_and_copy->pages = 20 * kMiB / 4096;
  out.stop_and_copy->bytes = 20 * kMiB;
  return out;
}

Sample sample(double ms, uint64_t count, uint64_t remaining,
              std::optional<uint64_t> expected = {}) {
  Sample out = sample_ms(ms, MigrationStatus::active, count);
  out.info.ram->remaining = remaining;
  out.info.ram->dirty_pages_rate = 100;
  out.info.expected_downtime_ms = expected;
  return out;
}

Analysis with_hindsight(Analysis analysis, const Timeline& timeline) {
  analysis.expected_downtime = expected_downtime(analysis, timeline);
  analysis.missed_minimum = missed_minimum(analysis, timeline);
  return analysis;
}

std::string text(const Analysis& analysis, const char* id) {
  for (const Finding& finding : hindsight(analysis))
    if (finding.id == id)
      return finding.text;
  return "(none)";
}

} // namespace

TEST_CASE("what the estimate did not count") {
  Timeline timeline;
  timeline.samples = {sample(10, 4, 16 * kMiB, 250)};
  Analysis analysis = with_hindsight(late_switch(), timeline);
  const ExpectedDowntime& expected = *analysis.expected_downtime;
  CHECK(expected.qemu_ms == 250.0);
  CHECK(expected.computed_ms == 250.0);
  CHECK(expected.last_ram_ms == 312.5);
  CHECK(expected.dirtied_after_bytes == 4 * kMiB);
  CHECK(expected.uncounted.size() == 2);
  CHECK(
      text(analysis, "expected-downtime") ==
      "QEMU expected 250.0 ms, the pause was 342.5 ms; the last RAM took "
      "312.5 ms of it; not in the estimate: final sync 10.0, destination 20.0 "
      "ms, 4.00 MiB dirtied after the estimate");
}

TEST_CASE("an expected-downtime that is the limit is no estimate") {
  Timeline timeline;
  timeline.samples = {sample(10, 4, 16 * kMiB, 1000)};
  timeline.samples[0].info.ram->dirty_pages_rate = 0;
  Analysis analysis = with_hindsight(late_switch(), timeline);
  CHECK(analysis.expected_downtime->qemu_is_limit);
  CHECK(text(analysis, "expected-downtime")
            .starts_with("by what was left it would have been 250.0 ms"));
  // One of an earlier pass is told as such.
  timeline.samples = {sample(10, 3, 16 * kMiB, 400)};
  analysis = with_hindsight(late_switch(), timeline);
  CHECK(text(analysis, "expected-downtime")
            .starts_with("QEMU expected, in an earlier pass, 400.0 ms"));
  // A later sample that repeats it makes it no newer.
  timeline.samples.push_back(sample(20, 4, 16 * kMiB, 400));
  CHECK(with_hindsight(late_switch(), timeline).expected_downtime->qemu_is_old);
}

TEST_CASE("the wait for migrate-continue is in no estimate") {
  Timeline timeline;
  timeline.samples = {sample(10, 4, 16 * kMiB, 250)};
  Analysis switched = late_switch();
  switched.downtime.phases.push_back({"pre-switchover", 0, 7.5, ""});
  Analysis analysis = with_hindsight(switched, timeline);
  CHECK(analysis.expected_downtime->waited_ms == 7.5);
  CHECK(text(analysis, "expected-downtime").find("pre-switchover 7.5") !=
        std::string::npos);
}

TEST_CASE("where the estimate was right nothing is told") {
  Timeline timeline;
  timeline.samples = {sample(10, 4, 16 * kMiB, 341)};
  Analysis analysis = with_hindsight(late_switch(), timeline);
  CHECK(text(analysis, "expected-downtime") == "(none)");
}

TEST_CASE("the pass at which the pause would have been shortest") {
  Timeline timeline;
  // Lowest in the middle of pass 3; the sample after a sync is no trough.
  timeline.samples = {sample(10, 2, 8 * kMiB), sample(20, 3, 30 * kMiB),
                      sample(30, 3, kMiB), sample(40, 4, 16 * kMiB)};
  Analysis analysis = with_hindsight(late_switch(), timeline);
  const MissedMinimum& best = *analysis.missed_minimum;
  CHECK(best.pass == 2);
  CHECK(best.pending_bytes == 8 * kMiB);
  CHECK(best.fixed_ms == 30.0);
  CHECK(best.pause_ms == 155.0); // 8 MiB at 64 MiB/s, and 30 ms
  CHECK(best.regret_ms == 187.5);
  CHECK(best.regret_bytes == 12 * kMiB);
  REQUIRE(best.trough);
  CHECK(best.trough->pass == 3);
  CHECK(best.trough->remaining_bytes == kMiB);
  CHECK(best.trough->next_pending_bytes == 16 * kMiB);
  CHECK(
      text(analysis, "missed-minimum") ==
      "the best moment was pass 2: 8.00 MiB left, a pause of about 155 ms, "
      "188 ms less than it was; 1.00 MiB in the middle of pass 3 were no "
      "opportunity: what the guest had dirtied since the sync was not counted "
      "yet, the next one found 16.00 MiB");
}

TEST_CASE("a sample in mid-pass is no candidate") {
  Analysis analysis = late_switch();
  analysis.passes[1].sample_delay_ms = 60;
  CHECK(missed_minimum(analysis, {})->pass == 4);
  CHECK(missed_minimum(analysis, {})->regret_ms == 0.0); // it was the one
  CHECK(text(with_hindsight(analysis, {}), "missed-minimum") == "(none)");
}

TEST_CASE("in the pause max-bandwidth does not hold") {
  Analysis analysis = late_switch();
  for (PassCheck& check : analysis.passes) {
    check.bandwidth = 1.0 * kMiB;
    check.at_max_bandwidth = true;
  }
  CHECK(missed_minimum(analysis, {})->pause_ms == 155.0);
}

TEST_CASE("without a switchover there is no regret, only a best pass") {
  Analysis analysis = late_switch();
  analysis.passes.pop_back();
  analysis.downtime = {};
  analysis.stop_and_copy.reset();
  analysis = with_hindsight(analysis, {});
  CHECK_FALSE(analysis.expected_downtime);
  REQUIRE(analysis.missed_minimum);
  CHECK(analysis.missed_minimum->pass == 2);
  CHECK_FALSE(analysis.missed_minimum->regret_ms);
  CHECK(text(analysis, "missed-minimum") ==
        "the best moment was pass 2: 8.00 MiB left, a pause of about 125 ms "
        "for the RAM alone");
  CHECK(text(analysis, "switchover") ==
        "no pass could switch over; the last, 3: 30.0 MiB left, 3.20 MiB "
        "allowed (64.0 MiB/s x 50 ms): needs 9.4x less, or downtime-limit 469 "
        "ms");
}

TEST_CASE("a limit that was raised is told with the pass it let through") {
  CHECK(text(late_switch(), "switchover") ==
        "switched over in pass 4: 16.0 MiB left, 64.0 MiB allowed (64.0 MiB/s "
        "x 1000 ms); the limit had been 50 ms");
}

TEST_CASE("passes that the destination held up are counted") {
  Analysis analysis = late_switch();
  analysis.passes[1].verdict = analysis.passes[2].verdict = Verdict::ack;
  CHECK(text(analysis, "switchover")
            .find("; in 2 passes before switchover-ack waited for the "
                  "destination") != std::string::npos);
}

TEST_CASE("nothing is known of nothing") {
  CHECK(hindsight({}).empty());
  Analysis analysis;
  analysis.outcome.mode = "precopy";
  CHECK_FALSE(missed_minimum(analysis, {}));
  analysis.passes.resize(3);
  CHECK_FALSE(missed_minimum(analysis, {}));
  CHECK_FALSE(expected_downtime(analysis, {}));
  analysis.passes.back().verdict = Verdict::switched;
  CHECK(expected_downtime(analysis, {}));
  CHECK(hindsight(analysis).size() == 1);
}
