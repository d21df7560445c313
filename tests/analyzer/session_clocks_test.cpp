#include "analyzer/session_clocks.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::RecordedSession;
using captures::Recording;

namespace {

constexpr int64_t kSecond = 1'000'000'000;

RecordedSession session(const char* directory, int64_t mono_s, int64_t wall_s) {
  RecordedSession out;
  out.directory = directory;
  out.manifest.started = {{mono_s * kSecond}, {wall_s * kSecond}};
  return out;
}

// Monitors in `a`, the stream in `b/`.
Recording of_two(int64_t mono_s, int64_t wall_s) {
  Recording out;
  out.sessions = {session("a", 100, 5000), session("b/", mono_s, wall_s)};
  out.monitor_log = "a/monitor.jsonl.zst";
  out.thread_log = "a/threads.jsonl.zst";
  out.flow_log = "b/flow.jsonl.zst";
  out.source_log = "b/qemu-source.log.zst";
  out.channels = {{"b/channel-0.zst", "b/channel-0.zst"}};
  return out;
}

} // namespace

TEST_CASE("two sessions of one host share its clock") {
  Input input;
  Recording all = on_one_clock(of_two(160, 5060), input);
  CHECK(input.problems.empty());
  CHECK(all.flow_log);
  CHECK(all.source_log);
  CHECK(all.channels[0].timed);
}

TEST_CASE("times of another host's session are not used") {
  for (auto [mono_s, wall_s] : {std::pair<int64_t, int64_t>(9000, 5000),
                                {160, 5000},
                                {kMaxTimeNs / kSecond, 0},
                                {0, kMaxTimeNs / kSecond}}) {
    Input input;
    Recording rest = on_one_clock(of_two(mono_s, wall_s), input);
    CHECK(rest.monitor_log);
    CHECK(rest.thread_log);
    CHECK_FALSE(rest.flow_log);
    CHECK_FALSE(rest.source_log);
    REQUIRE(rest.channels.size() == 1);
    CHECK_FALSE(rest.channels[0].timed);
    REQUIRE(input.problems.size() == 1);
    CHECK(input.problems[0].severity == Severity::warning);
    CHECK(input.problems[0].channel == "b/session.json");
    CHECK(input.complete);
  }
}
