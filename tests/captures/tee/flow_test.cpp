#include "captures/flow_clock.h"
#include "captures/flow_recorder.h"
#include "tests/captures/tee/peers.h"

#include <future>
#include <thread>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::testing;
using namespace std::chrono_literals;

namespace {

std::vector<FlowObservation> flows_of(const std::filesystem::path& session,
                                      bool onward) {
  std::vector<FlowObservation> out;
  std::optional<Error> torn;
  CHECK(read_flow_log(
      session / "flow.jsonl.zst",
      [&](const FlowObservation& o) {
        if (o.onward == onward)
          out.push_back(o);
      },
      &torn));
  CHECK_FALSE(torn);
  return out;
}

Nanos sum(const FlowTimes& times) {
  return times.waiting + times.blocked + times.stalled + times.working;
}

// Sends more than all buffers hold to a destination that does not read until
// the tee is held up, and for `pause` after that.
std::vector<FlowObservation> flow_with_pause(TeeFixture& f, Nanos pause) {
  const Bytes onward = pattern(0, 12'000'000);
  f.start();
  std::promise<void> full;
  Fd source = connect_to(f.front);
  std::thread sender([&] {
    send_all(source, onward);
    source.reset();
  });
  std::thread destination([&] {
    Fd peer = accept_from(f.destination);
    full.get_future().wait();
    std::this_thread::sleep_for(pause);
    CHECK(receive_all(peer).size() == onward.size());
  });
  CHECK(f.run_until_held_up(source));
  full.set_value();
  CHECK(f.run_until_closed(1));
  sender.join();
  destination.join();
  f.tee->close();
  return flows_of(f.dir.path(), true);
}

} // namespace

TEST_CASE("states exclude each other and add up") {
  FlowClock clock({100});
  clock.enter(FlowClock::State::working, {130});
  clock.enter(FlowClock::State::blocked, {140});
  clock.enter(FlowClock::State::stalled, {200});
  clock.enter(FlowClock::State::waiting, {205});
  FlowTimes times = clock.times({210});
  CHECK(times.waiting == 35ns);
  CHECK(times.working == 10ns);
  CHECK(times.blocked == 60ns);
  CHECK(times.stalled == 5ns);
  CHECK(clock.times({210}).waiting == 35ns); // looking changes nothing
}

TEST_CASE("a destination that does not read is seen to block") {
  constexpr Nanos kPause = 400ms;
  TeeFixture f;
  auto flows = flow_with_pause(f, kPause);
  REQUIRE(flows.size() >= 4); // one each 50 ms
  const FlowObservation &first = flows.front(), &last = flows.back();
  CHECK(first.bytes == 0);
  CHECK(last.bytes == 12'000'000);
  CHECK(sum(last.times) - sum(first.times) == last.time - first.time);
  CHECK(last.times.blocked > kPause * 9 / 10);
  bool waited = false;
  for (size_t i = 1; i < flows.size(); ++i) {
    CHECK(flows[i].times.blocked >= flows[i - 1].times.blocked);
    waited = waited || (flows[i].unsent > 0 && flows[i].to.queued > 0u &&
                        flows[i].from.queued > 0u);
  }
  CHECK(waited);
}

TEST_CASE("over tcp the kernel says that the receiver's window held it back") {
  constexpr Nanos kPause = 400ms;
  TeeFixture f;
  f.back = {Address::Kind::tcp, {}, "127.0.0.1", 0};
  f.destination = listen_on(f.back);
  auto flows = flow_with_pause(f, kPause);
  REQUIRE_FALSE(flows.empty());
  // By the one before the end: what the kernel counted of the pause.
  uint64_t most = 0;
  for (const FlowObservation& flow : flows) {
    CHECK_FALSE(flow.from.tcp); // unix
    REQUIRE(flow.to.tcp);
    if (flow.to.tcp->limits)
      most = std::max(most, flow.to.tcp->limits->rwnd_limited_us);
  }
  if (flows.back().to.tcp->limits)
    CHECK(most > 200'000);
}

TEST_CASE("while nothing happens nothing is stored") {
  TeeFixture f;
  f.start();
  Fd source = connect_to(f.front);
  Fd destination = f.accept_peer();
  auto begin = f.clock.now().mono;
  CHECK(f.loop.run_until([&] { return f.clock.now().mono - begin > 500ms; }));
  source.reset();
  destination.reset();
  CHECK(f.run_until_closed(1));
  f.tee->close();
  auto flows = flows_of(f.dir.path(), true);
  CHECK(flows.size() <= 3);
  REQUIRE(flows.size() >= 2);
  CHECK(flows.back().times.waiting > 490ms);
}

TEST_CASE("that flows cannot be stored is told once") {
  TempDir dir;
  FlowRecorder recorder(dir / "missing" / "flow");
  recorder.put({});
  recorder.put({});
  recorder.flush();
  CHECK(recorder.take_failure());
  CHECK_FALSE(recorder.take_failure());
}
