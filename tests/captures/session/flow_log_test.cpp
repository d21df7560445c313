#include "captures/session/flow_log.h"
#include "captures/session/thread_log.h"

#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace std::chrono_literals;
using testing::TempDir;

namespace {

FlowObservation observation() {
  FlowObservation out;
  out.time = {7};
  out.channel = 3;
  out.onward = false;
  out.bytes = 1'000'000;
  out.unsent = 4096;
  out.times = {1ns, 2ns, 3ns, 4ns};
  out.from.queued = 5;
  out.to.tcp = TcpState{100, 50, 10, 2, 1, TcpState::Limits{6, 7, 8, 9, 10}};
  return out;
}

template <typename Line>
struct Log {
  std::vector<Line> lines;
  std::optional<Error> torn;
};

Log<FlowObservation> read_flow(const std::filesystem::path& path) {
  Log<FlowObservation> log;
  CHECK(read_flow_log(
      path, [&](const auto& line) { log.lines.push_back(line); }, &log.torn));
  return log;
}

Log<ThreadSample> read_threads(const std::filesystem::path& path) {
  Log<ThreadSample> log;
  CHECK(read_thread_log(
      path, [&](const auto& line) { log.lines.push_back(line); }, &log.torn));
  return log;
}

void write_lines(const std::filesystem::path& path,
                 const std::vector<std::string>& lines) {
  auto writer = LineLogWriter::create(path);
  REQUIRE(writer);
  for (const std::string& line : lines)
    REQUIRE((*writer)->append(line));
  REQUIRE((*writer)->close());
}

} // namespace

TEST_CASE("an observation comes back as it was") {
  TempDir dir;
  auto writer = FlowLogWriter::create(dir / "log");
  REQUIRE(writer);
  CHECK((*writer)->append(observation()));
  CHECK((*writer)->close());
  auto log = read_flow(dir / "log");
  CHECK_FALSE(log.torn);
  REQUIRE(log.lines.size() == 1);
  const FlowObservation& found = log.lines[0];
  CHECK(found.time.ns == 7);
  CHECK(found.channel == 3);
  CHECK_FALSE(found.onward);
  CHECK(found.bytes == 1'000'000);
  CHECK(found.unsent == 4096);
  CHECK(found.times.waiting == 1ns);
  CHECK(found.times.blocked == 2ns);
  CHECK(found.times.stalled == 3ns);
  CHECK(found.times.working == 4ns);
  CHECK(found.from.queued == 5);
  CHECK_FALSE(found.from.tcp);
  CHECK_FALSE(found.to.queued);
  REQUIRE(found.to.tcp);
  CHECK(found.to.tcp->rtt_us == 100);
  CHECK(found.to.tcp->retransmits == 1);
  REQUIRE(found.to.tcp->limits);
  CHECK(found.to.tcp->limits->rwnd_limited_us == 9);
}

TEST_CASE("a flow log cut at any byte gives the lines before") {
  TempDir dir;
  auto writer = FlowLogWriter::create(dir / "log");
  REQUIRE(writer);
  for (int i = 0; i < 3; ++i) {
    CHECK((*writer)->append(observation()));
    CHECK((*writer)->flush());
  }
  CHECK((*writer)->close());
  auto whole = testing::read_file(dir / "log");
  size_t most = 0;
  for (size_t size = 4; size < whole.size(); ++size) {
    auto part = whole;
    part.resize(size);
    testing::write_file(dir / "cut", part);
    auto log = read_flow(dir / "cut");
    CHECK(log.lines.size() >= most);
    most = log.lines.size();
  }
  CHECK(most >= 2); // only the last frame's checksum is missing
}

TEST_CASE("a line that cannot be an observation ends the flow log") {
  TempDir dir;
  const std::string good =
      R"({"ns":1,"channel":0,"dir":"onward","bytes":1,"unsent":0,)"
      R"("waiting_ns":0,"blocked_ns":0,"stalled_ns":0,"working_ns":0,)"
      R"("from":{"queued":null},"to":{"queued":0}})";
  auto with = [&](std::string_view from, std::string_view to) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    return line;
  };
  int number = 0;
  for (const std::string& bad :
       {std::string("{}"), std::string("x"), with("\"ns\":1", "\"ns\":-1"),
        with("\"ns\":1", "\"ns\":9223372036854775807"),
        with("\"channel\":0", "\"channel\":4294967296"),
        with("onward", "sideways"), with("\"bytes\":1,", ""),
        with("{\"queued\":0}", "0"), with("{\"queued\":0}", "{\"tcp\":0}"),
        with("onward", std::string(3000, 'x'))}) {
    CAPTURE(bad);
    auto path = dir.path() / std::to_string(number++);
    write_lines(path, {good, bad, good});
    auto log = read_flow(path);
    CHECK(log.lines.size() == 1);
    REQUIRE(log.torn);
    CHECK(log.torn->kind == ErrorKind::malformed);
  }
}

TEST_CASE("a thread sample comes back as it was") {
  TempDir dir;
  auto writer = ThreadLogWriter::create(dir / "log");
  REQUIRE(writer);
  CHECK((*writer)->append(
      {{5}, End::destination, 40, {{41, "mig/src/main", 'R', 6ns, 7ns}}}));
  CHECK((*writer)->close());
  auto log = read_threads(dir / "log");
  CHECK_FALSE(log.torn);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].time.ns == 5);
  CHECK(log.lines[0].end == End::destination);
  CHECK(log.lines[0].pid == 40);
  REQUIRE(log.lines[0].threads.size() == 1);
  const ThreadTimes& thread = log.lines[0].threads[0];
  CHECK(thread.tid == 41);
  CHECK(thread.name == "mig/src/main");
  CHECK(thread.state == 'R');
  CHECK(thread.cpu == 6ns);
  CHECK(thread.queued == 7ns);
}

TEST_CASE("a line that cannot be a thread sample ends the thread log") {
  TempDir dir;
  int number = 0;
  for (const char* bad :
       {"{}", R"({"ns":-1,"end":"source","pid":1,"threads":[]})",
        R"({"ns":1,"end":"middle","pid":1,"threads":[]})",
        R"({"ns":1,"end":"source","pid":1,"threads":[{}]})",
        R"({"ns":1,"end":"source","pid":1,"threads":[{"tid":1,"name":"a",)"
        R"("state":"RS","cpu_ns":1,"queued_ns":1}]})"}) {
    CAPTURE(bad);
    auto path = dir.path() / std::to_string(number++);
    write_lines(path, {bad});
    auto log = read_threads(path);
    CHECK(log.lines.empty());
    REQUIRE(log.torn);
    CHECK(log.torn->kind == ErrorKind::malformed);
  }
}
