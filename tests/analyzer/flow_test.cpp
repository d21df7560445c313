#include "analyzer/flow.h"

#include "analyzer/flow_findings.h"
#include "analyzer/read_flow.h"
#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace std::chrono_literals;
using captures::End;
using captures::FlowObservation;
using captures::FlowTimes;
using captures::ThreadSample;

namespace {

constexpr uint64_t kMiB = 1u << 20;

MonoTime at(int64_t ms) {
  return {ms * 1'000'000};
}

FlowObservation observation(int64_t ms, uint64_t bytes, FlowTimes times,
                            int channel = 0) {
  FlowObservation out;
  out.time = at(ms);
  out.channel = channel;
  out.bytes = bytes;
  out.times = times;
  return out;
}

FlowObservation over_tcp(FlowObservation observation, uint64_t receiver_us,
                         uint64_t retransmits = 0) {
  captures::TcpState tcp;
  tcp.rtt_us = 1500;
  tcp.retransmits = retransmits;
  tcp.limits.emplace().rwnd_limited_us = receiver_us;
  observation.to.tcp = tcp;
  return observation;
}

ThreadSample sample(int64_t ms, const char* name, Nanos cpu,
                    Nanos queued = 0ns) {
  return {at(ms),
          End::source,
          100,
          {{100, "qemu-system-x86", 'R', 1000ms, 0ns},
           {101, "CPU 0/TCG", 'R', 1000ms + cpu * 9, 0ns},
           {102, name, 'R', cpu, queued}}};
}

VcpuThreads of_source(std::vector<int64_t> threads) {
  return {std::move(threads), {}};
}

// Of one stretch of a second from 0 on.
Flow flow_between(const std::vector<FlowObservation>& observations,
                  const std::vector<ThreadSample>& samples = {},
                  std::optional<uint64_t> limit = {}) {
  FlowSums sums({{at(0), at(1000)}}, of_source({101}));
  for (const auto& observation : observations)
    sums.add(observation);
  for (const auto& one : samples)
    sums.add(one);
  auto flow = flow_of(sums.stretches()[0], sums.sums()[0], limit);
  REQUIRE(flow);
  return *flow;
}

Flow of_times(FlowTimes times, std::optional<uint64_t> limit = {},
              uint64_t mib = 64) {
  return flow_between(
      {observation(0, 0, {}), observation(1000, mib * kMiB, times)}, {}, limit);
}

} // namespace

TEST_CASE("what happened between two observations is shared out by time") {
  FlowSums sums({{at(0), at(30)}, {at(30), at(100)}, {at(200), at(300)}}, {});
  sums.add(observation(10, 0, {}));
  sums.add(observation(60, 500, {10ms, 20ms, 5ms, 15ms}));
  REQUIRE(sums.sums().size() == 3);
  const ConnectionFlow& first = sums.sums()[0].connections.at(0);
  CHECK(first.bytes == doctest::Approx(200));
  CHECK(first.blocked == doctest::Approx(8e6));
  const ConnectionFlow& second = sums.sums()[1].connections.at(0);
  CHECK(second.bytes == doctest::Approx(300));
  CHECK(second.waiting == doctest::Approx(6e6));
  CHECK(second.stalled == doctest::Approx(3e6));
  CHECK(second.working == doctest::Approx(9e6));
  CHECK(sums.sums()[2].connections.empty());
}

TEST_CASE("the way back and counters that shrink are not counted") {
  FlowSums sums({{at(0), at(100)}}, {});
  FlowObservation back = observation(10, 7, {});
  back.onward = false;
  sums.add(observation(0, 100, {5ms, 0ns, 0ns, 0ns}));
  sums.add(back);
  sums.add(observation(50, 90, {6ms, 0ns, 0ns, 0ns}));
  sums.add(observation(40, 95, {7ms, 0ns, 0ns, 0ns})); // back in time
  CHECK(sums.sums()[0].connections.empty());
}

TEST_CASE("the largest share of the time is what limited it") {
  CHECK(of_times({100ms, 800ms, 50ms, 50ms}).limited_by ==
        LimitedBy::destination);
  CHECK(of_times({100ms, 50ms, 800ms, 50ms}).limited_by == LimitedBy::storage);
  CHECK(of_times({800ms, 100ms, 50ms, 50ms}).limited_by == LimitedBy::source);
  CHECK(of_times({50ms, 100ms, 50ms, 800ms}).limited_by == LimitedBy::tee);
  // No cause has a third of it.
  CHECK(of_times({300ms, 250ms, 200ms, 250ms}).limited_by ==
        LimitedBy::unknown);
}

TEST_CASE("a rate at the limit is the limit's") {
  const FlowTimes times{800ms, 50ms, 0ms, 150ms};
  CHECK(of_times(times, 65 * kMiB).limited_by == LimitedBy::max_bandwidth);
  CHECK(of_times(times, 65 * kMiB).max_bandwidth == 65 * kMiB);
  CHECK(of_times(times, 120 * kMiB).limited_by == LimitedBy::source);
  CHECK(of_times(times, 0).limited_by == LimitedBy::source);
  // More came than it lets through: it was not in force.
  CHECK(of_times(times, 16 * kMiB).limited_by == LimitedBy::source);
  CHECK_FALSE(of_times(times, 16 * kMiB).max_bandwidth);
}

TEST_CASE("the limit's own waiting does not hide another cause") {
  // 60 % of the limit: for 600 ms it waited for its turn, too.
  Flow flow = of_times({500ms, 400ms, 0ms, 100ms}, 100 * kMiB, 60);
  CHECK(flow.limited_by == LimitedBy::destination);
  CHECK(*flow.blocked_ms == doctest::Approx(400));
}

TEST_CASE("the limit's waiting counts where nothing else does") {
  // 75 % of the limit, on a machine that is busy.
  Flow flow = of_times({900ms, 60ms, 0ms, 40ms}, 100 * kMiB, 75);
  CHECK(flow.limited_by == LimitedBy::max_bandwidth);
}

TEST_CASE("over tcp the receiver's window tells destination from network") {
  const FlowTimes times{100ms, 900ms, 0ns, 0ns};
  Flow flow = flow_between({over_tcp(observation(0, 0, {}), 0),
                            over_tcp(observation(1000, kMiB, times), 1000, 7)});
  CHECK(flow.limited_by == LimitedBy::network);
  CHECK(flow.retransmits == 7);
  CHECK(*flow.rtt_ms == doctest::Approx(1.5));
  flow = flow_between({over_tcp(observation(0, 0, {}), 0),
                       over_tcp(observation(1000, kMiB, times), 800'000)});
  CHECK(flow.limited_by == LimitedBy::destination);
  CHECK(*flow.receiver_limited_ms == doctest::Approx(800));
}

TEST_CASE("connections weigh by their bytes") {
  Flow flow =
      flow_between({observation(0, 0, {}, 0), observation(0, 0, {}, 1),
                    observation(1000, kMiB, {1000ms, 0ns, 0ns, 0ns}, 0),
                    observation(1000, 3 * kMiB, {0ns, 1000ms, 0ns, 0ns}, 1)});
  CHECK(flow.bytes == 4 * kMiB);
  CHECK(*flow.blocked_ms == doctest::Approx(750));
  CHECK(*flow.idle_ms == doctest::Approx(250));
}

TEST_CASE("a migration thread that wants a CPU all the time is the limit") {
  const std::vector<FlowObservation> idle = {
      observation(0, 0, {}), observation(1000, kMiB, {900ms, 50ms, 0ns, 50ms})};
  for (const char* name :
       {"live_migration", "mig/src/main", "multifdsend_0", "qemu-system-x86"}) {
    CAPTURE(name);
    Flow flow =
        flow_between(idle, {sample(0, name, 0ms), sample(1000, name, 950ms)});
    CHECK(flow.limited_by == LimitedBy::source_cpu);
    CHECK(*flow.source_cpu == doctest::Approx(0.95));
    // Ready to run, and not let.
    flow = flow_between(
        idle, {sample(0, name, 0ms), sample(1000, name, 500ms, 450ms)});
    CHECK(flow.limited_by == LimitedBy::source_cpu);
    CHECK(*flow.source_cpu_queued == doctest::Approx(0.45));
    flow =
        flow_between(idle, {sample(0, name, 0ms), sample(1000, name, 500ms)});
    CHECK(flow.limited_by == LimitedBy::source);
  }
}

TEST_CASE("a thread that begins between two samples counts from there") {
  ThreadSample before = sample(0, "x", 0ms);
  before.threads.pop_back();
  Flow flow = flow_between({}, {before, sample(1000, "mig/src/main", 600ms)});
  CHECK(*flow.source_cpu == doctest::Approx(0.6));
  CHECK_FALSE(flow.blocked_ms);
  CHECK(flow.limited_by == LimitedBy::unknown);
}

TEST_CASE("threads of what may be no QEMU tell nothing") {
  FlowSums sums({{at(0), at(1000)}}, of_source({4711}));
  sums.add(sample(0, "worker", 0ms));
  sums.add(sample(1000, "worker", 950ms));
  CHECK_FALSE(flow_of(sums.stretches()[0], sums.sums()[0], {}));
}

TEST_CASE("the destination reads in its main thread") {
  FlowSums sums({{at(0), at(1000)}}, {std::vector<int64_t>{}, {101}});
  ThreadSample before = sample(0, "worker", 0ms);
  ThreadSample after = sample(1000, "worker", 950ms);
  before.end = after.end = End::destination;
  after.threads[0].cpu += 300ms;
  sums.add(before);
  sums.add(after);
  auto flow = flow_of(sums.stretches()[0], sums.sums()[0], {});
  REQUIRE(flow);
  CHECK(*flow->destination_cpu == doctest::Approx(0.3));
  CHECK_FALSE(flow->source_cpu);
}

TEST_CASE("of what is shorter than observations are apart nothing is told") {
  FlowSums sums({{at(0), at(20)}}, {});
  sums.add(observation(0, 0, {}));
  sums.add(observation(50, kMiB, {0ns, 50ms, 0ns, 0ns}));
  CHECK_FALSE(flow_of(sums.stretches()[0], sums.sums()[0], {}));
}

TEST_CASE("findings sum the rounds up") {
  Analysis analysis;
  CHECK_FALSE(flow_finding(analysis));
  CHECK_FALSE(pause_flow_finding(analysis));
  for (LimitedBy limit : {LimitedBy::max_bandwidth, LimitedBy::destination,
                          LimitedBy::max_bandwidth, LimitedBy::unknown}) {
    Flow flow;
    flow.limited_by = limit;
    flow.duration_ms = limit == LimitedBy::unknown ? 900 : 100;
    analysis.rounds.emplace_back().flow = flow;
  }
  auto finding = flow_finding(analysis);
  REQUIRE(finding);
  CHECK(finding->text ==
        "the transfer was limited by max-bandwidth for 200.0 ms in 2 rounds, "
        "destination for 100.0 ms in 1 round, unknown for 900.0 ms in 1 round; "
        "whether max-bandwidth did is not known without a monitor");
  CHECK(finding->severity == Severity::warning);
  analysis.flow = of_times({800ms, 100ms, 50ms, 50ms}, 65 * kMiB);
  finding = flow_finding(analysis);
  REQUIRE(finding);
  CHECK(
      finding->text.find("; in all 100.0 ms blocked, 50.0 stalled, 800.0 idle "
                         "of 1000.0 ms, 64.0 MiB/s of about 65.0 allowed") !=
      std::string::npos);
  analysis.pause_flow = of_times({100ms, 800ms, 50ms, 50ms});
  finding = pause_flow_finding(analysis);
  REQUIRE(finding);
  CHECK(finding->text ==
        "in the pause the transfer was limited by destination: 800.0 ms "
        "blocked, 50.0 stalled, 100.0 idle of 1000.0 ms, 64.0 MiB/s");
}

TEST_CASE("logs are put to the rounds and the pause") {
  testing::TempDir dir;
  captures::Recording recording;
  recording.flow_log = dir / "flow";
  auto writer = captures::FlowLogWriter::create(*recording.flow_log);
  REQUIRE(writer);
  CHECK((*writer)->append(observation(1000, 0, {})));
  CHECK((*writer)->append(
      observation(2000, 64 * kMiB, {900ms, 0ns, 0ns, 100ms})));
  CHECK((*writer)->append(
      observation(3000, 128 * kMiB, {900ms, 1000ms, 0ns, 100ms})));
  CHECK((*writer)->close());
  Analysis analysis;
  for (int i : {0, 1}) {
    Round& round = analysis.rounds.emplace_back();
    round.start_ms = i * 1000;
    round.duration_ms = 1000;
  }
  Timeline timeline;
  timeline.parameters = {{at(0), {{}, 64 * kMiB, {}}}};
  PauseMarks pause;
  pause.stop = at(2500);
  pause.stream_end = at(3000);
  read_flows(analysis, recording, timeline, pause, at(1000), true);
  CHECK(analysis.input.problems.empty());
  REQUIRE(analysis.rounds[0].flow);
  CHECK(analysis.rounds[0].flow->limited_by == LimitedBy::max_bandwidth);
  // The guest was stopped in it: no limit any more.
  REQUIRE(analysis.rounds[1].flow);
  CHECK(analysis.rounds[1].flow->limited_by == LimitedBy::destination);
  REQUIRE(analysis.pause_flow);
  CHECK(*analysis.pause_flow->blocked_ms == doctest::Approx(500));
  REQUIRE(analysis.flow);
  CHECK(analysis.flow->bytes == 128 * kMiB);
  CHECK_FALSE(analysis.flow->max_bandwidth); // nothing was said since it began
  timeline.parameters.push_back({at(1010), {{}, 128 * kMiB, {}}});
  read_flows(analysis, recording, timeline, pause, at(1000), true);
  CHECK(analysis.flow->max_bandwidth == 128 * kMiB);

  testing::write_file(*recording.flow_log, testing::Bytes(7));
  read_flows(analysis, recording, timeline, pause, at(1000), true);
  CHECK(analysis.input.problems.size() == 1);
  CHECK(analysis.input.complete);
}
