// Dialogues of real QEMUs, played to the session: what QEMU said is fed in,
// what was sent is executed again.
#include "qmp/migration.h"
#include "qmp/session.h"
#include "tests/support/fake_clock.h"
#include "tests/support/transcript.h"

#include <doctest/doctest.h>
#include <random>

using namespace migscope;
using namespace migscope::qmp;
using migscope::testing::FakeClock;
using migscope::testing::read_transcript;
using migscope::testing::TranscriptLine;
using Words = std::vector<std::string>;

namespace {

struct TimedEvent {
  Event event;
  ClockReading arrival;
};

// One end of a transcript, played from its start to its end.
struct Replay {
  FakeClock clock;
  std::optional<Version> version, asked;
  std::vector<TimedEvent> events;
  std::vector<MigrationInfo> samples;
  Words refusals;
  int unanswered = 0;
  std::optional<Error> error;
  ClockReading arrival;
  Session session;

  Replay(const std::string& name, std::string_view end)
      : session(std::string(end), clock, output()) {
    for (const TranscriptLine& line : read_transcript(name))
      if (line.end == end)
        play(line);
    session.peer_closed();
  }

  Session::Output output() {
    Session::Output out;
    out.ready = [this](const Version& seen) { version = seen; };
    out.event = [this](const Event& event, ClockReading) {
      events.push_back({event, arrival});
    };
    out.closed = [this](const Error& why) { error = why; };
    return out;
  }

  void play(const TranscriptLine& line) {
    arrival = line.time;
    std::string text = line.text + "\r\n";
    if (!line.sent)
      return session.receive(std::as_bytes(std::span(text)));
    Json command = Json::parse(line.text).value();
    std::string name = command.get("execute").as_string().value();
    // The session negotiates by itself, with the same id.
    if (name == "qmp_capabilities")
      return;
    ++unanswered;
    session.execute(
        name, command.get("arguments"),
        [this, name](const Result<Json>& reply) { answered(name, reply); });
  }

  void answered(const std::string& name, const Result<Json>& reply) {
    --unanswered;
    if (!reply)
      refusals.push_back(reply.error().message);
    else if (name == "query-migrate")
      samples.push_back(decode_query_migrate(*reply));
    else if (name == "query-version")
      asked = decode_version(*reply);
  }

  Words statuses() const {
    Words out;
    for (const auto& [event, time] : events) {
      if (auto status = migration_event_status(event))
        out.emplace_back(to_string(*status));
      else if (event.name == "STOP" || event.name == "RESUME")
        out.push_back(event.name);
    }
    return out;
  }
  std::vector<uint64_t> passes() const {
    std::vector<uint64_t> out;
    for (const auto& [event, time] : events)
      if (auto pass = migration_pass(event))
        out.push_back(*pass);
    return out;
  }
};

const char* const kVersions[] = {"7.2", "10.0", "11.1"};
const char* const kCases[] = {"precopy", "pause", "postcopy", "cancel",
                              "error"};

struct Expected {
  const char* name;
  Words source;
};

} // namespace

TEST_CASE("every real dialogue is understood to its end") {
  for (std::string version : kVersions)
    for (std::string name : kCases)
      for (const char* end : {"source", "destination"}) {
        CAPTURE(version + "-" + name + " " + end);
        Replay replay(version + "-" + name, end);
        REQUIRE(replay.error);
        CHECK(replay.error->kind == ErrorKind::io); // closed between lines
        CHECK(replay.unanswered == 0);
        REQUIRE(replay.version);
        REQUIRE(replay.asked);
        CHECK(to_string(*replay.version) == to_string(*replay.asked));
        CHECK(to_string(*replay.version).starts_with(version + "."));
        CHECK(replay.version->package.starts_with("Debian "));
      }
}

TEST_CASE("the statuses of each kind of migration, version by version") {
  for (const Expected& expected : {
           Expected{"7.2-precopy", {"setup", "active", "STOP", "completed"}},
           Expected{"10.0-precopy",
                    {"setup", "active", "STOP", "device", "completed"}},
           Expected{"11.1-precopy",
                    {"setup", "active", "STOP", "device", "completed"}},
           Expected{"7.2-pause",
                    {"setup", "active", "STOP", "pre-switchover", "device",
                     "completed"}},
           Expected{"10.0-pause",
                    {"setup", "active", "STOP", "pre-switchover", "device",
                     "completed"}},
           Expected{"11.1-pause",
                    {"setup", "active", "STOP", "pre-switchover", "device",
                     "completed"}},
           Expected{
               "7.2-postcopy",
               {"setup", "active", "postcopy-active", "STOP", "completed"}},
           Expected{"10.0-postcopy",
                    {"setup", "active", "STOP", "device", "postcopy-active",
                     "completed"}},
           Expected{"11.1-postcopy",
                    {"setup", "active", "STOP", "device", "postcopy-device",
                     "postcopy-active", "completed"}},
           Expected{"7.2-cancel",
                    {"setup", "active", "cancelling", "cancelled"}},
           Expected{"11.1-cancel",
                    {"setup", "active", "cancelling", "cancelled"}},
           Expected{"7.2-error", {"setup", "active", "failed"}},
           Expected{"10.0-error", {"setup", "active", "failed"}},
           Expected{"11.1-error", {"setup", "active", "failing", "failed"}},
       }) {
    CAPTURE(expected.name);
    CHECK(Replay(expected.name, "source").statuses() == expected.source);
  }
  CHECK(Replay("7.2-precopy", "destination").statuses() ==
        Words{"setup", "active", "RESUME", "completed"});
  CHECK(Replay("11.1-postcopy", "destination").statuses() ==
        Words{"setup", "active", "postcopy-device", "postcopy-active", "RESUME",
              "completed"});
}

TEST_CASE("passes are counted as each version counts them") {
  using Passes = std::vector<uint64_t>;
  CHECK(Replay("7.2-precopy", "source").passes() == Passes{1, 2, 3});
  CHECK(Replay("10.0-precopy", "source").passes() == Passes{1, 2, 3});
  CHECK(Replay("11.1-precopy", "source").passes() == Passes{2});
}

TEST_CASE("events carry their host's time to the microsecond") {
  for (std::string version : kVersions) {
    Replay replay(version + "-precopy", "source");
    bool below_a_millisecond = false;
    WallTime last;
    for (const auto& [event, arrival] : replay.events) {
      CHECK(event.timestamp >= last);
      last = event.timestamp;
      // Both QEMUs were on the host that noted the arrival.
      Nanos delay = arrival.wall - event.timestamp;
      CHECK(delay > Nanos(0));
      CHECK(delay < std::chrono::milliseconds(100));
      below_a_millisecond |= event.timestamp.ns % 1'000'000 != 0;
      CHECK(event.timestamp.ns % 1'000 == 0);
    }
    CHECK(below_a_millisecond);
  }
}

TEST_CASE("the counters of a precopy migration") {
  for (std::string version : kVersions) {
    CAPTURE(version);
    Replay replay(version + "-precopy", "source");
    REQUIRE(replay.samples.size() >= 5);
    CHECK_FALSE(replay.samples.front().status);
    uint64_t sent = 0;
    int active = 0;
    for (const MigrationInfo& info : replay.samples) {
      if (!info.ram)
        continue;
      CHECK(info.ram->total.value() == 84484096u);
      CHECK(info.ram->page_size.value() == 4096u);
      CHECK(info.ram->transferred.value() >= sent);
      CHECK(info.ram->normal_bytes.value() == info.ram->normal.value() * 4096);
      CHECK(info.ram->mbps.has_value());
      CHECK_FALSE(info.xbzrle);
      sent = *info.ram->transferred;
      active += info.status == MigrationStatus::active;
      if (info.status == MigrationStatus::active) {
        CHECK(info.expected_downtime_ms.value() == 300u);
        CHECK(info.ram->remaining.value() > 0u);
        CHECK_FALSE(info.downtime_ms);
        CHECK(info.remaining.has_value() == (version == "11.1"));
      }
    }
    CHECK(active >= 3);
  }
}

TEST_CASE("the last sample of a precopy migration, in full") {
  auto last = [](const char* name) {
    for (const auto& samples = Replay(name, "source").samples;
         const MigrationInfo& info : samples)
      if (info.ram && info.status == MigrationStatus::completed)
        return info;
    FAIL("no completed sample");
    return MigrationInfo();
  };
  MigrationInfo info = last("7.2-precopy");
  CHECK(info.total_time_ms == 2707u);
  CHECK(info.setup_time_ms == 0u);
  CHECK(info.downtime_ms == 0u);
  CHECK_FALSE(info.expected_downtime_ms);
  CHECK(info.ram->transferred == 808460u);
  CHECK(info.ram->remaining == 0u);
  CHECK(info.ram->duplicate == 20478u);
  CHECK(info.ram->normal == 152u);
  CHECK(info.ram->mbps == 2.730677502770595);
  CHECK(info.ram->dirty_sync_count == 3u);
  CHECK(last("10.0-precopy").ram->dirty_sync_count == 3u);
  CHECK(last("11.1-precopy").ram->dirty_sync_count == 2u);
}

TEST_CASE("refusals and failures come with QEMU's words") {
  for (std::string version : kVersions) {
    CHECK(Replay(version + "-precopy", "source").refusals ==
          Words{"CommandNotFound: The command no-such-command has not been "
                "found"});
    Replay failed(version + "-error", "source");
    REQUIRE_FALSE(failed.samples.empty());
    CHECK(failed.samples.back().status == MigrationStatus::failed);
    CHECK(failed.samples.back().error_desc ==
          "Unable to write to socket: Broken pipe");
    CHECK_FALSE(failed.samples.back().ram);
    Replay cancelled(version + "-cancel", "source");
    CHECK(cancelled.samples.back().status == MigrationStatus::cancelled);
    CHECK_FALSE(cancelled.samples.back().error_desc);
  }
}

TEST_CASE("damaged dialogues end the session, and answer every command once") {
  std::mt19937 random(1);
  auto below = [&](size_t bound) { return random() % bound; };
  for (const char* name : {"7.2-precopy", "10.0-error", "11.1-postcopy"}) {
    std::string original;
    for (const TranscriptLine& line : read_transcript(name))
      if (line.end == "source" && !line.sent)
        original += line.text + "\r\n";
    for (int round = 0; round < 300; ++round) {
      std::string text = original;
      for (size_t damage = below(4); damage-- > 0;) {
        size_t at = below(text.size());
        if (below(3) == 0)
          text.erase(at, below(40));
        else if (below(2) == 0)
          text.insert(at, text, below(text.size()), below(40));
        else
          text[at] = static_cast<char>(below(256));
      }
      FakeClock clock;
      int answers = 0, closed = 0;
      Session::Output output;
      output.closed = [&](const Error&) { ++closed; };
      Session session("m", clock, output);
      for (int i = 0; i < 50; ++i)
        session.execute("query-migrate", Json(), [&](const Result<Json>& r) {
          ++answers;
          if (r)
            (void)decode_query_migrate(*r);
        });
      std::span bytes = std::as_bytes(std::span(text));
      while (!bytes.empty()) {
        size_t size = std::min(bytes.size(), 1 + below(3000));
        session.receive(bytes.first(size));
        bytes = bytes.subspan(size);
      }
      session.peer_closed();
      CHECK(closed == 1);
      CHECK(answers == 50);
    }
  }
}
