#include "analyzer/timeline.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::End;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using migscope::testing::sample_ms;
using migscope::testing::wall_ms;
using qmp::Direction;
using qmp::MigrationStatus;

namespace {

// Plays lines, a millisecond apart.
class Dialogue {
public:
  Dialogue& sent(End end, int id, std::string_view command) {
    return line(end, Direction::sent,
                fmt::format(R"({{"execute":"{}","id":{}}})", command, id));
  }
  Dialogue& reply(End end, int id, std::string_view value) {
    return line(end, Direction::received,
                fmt::format(R"({{"return":{},"id":{}}})", value, id));
  }
  // Emitted as it arrives.
  Dialogue& event(End end, std::string_view name,
                  std::string_view data = "null") {
    int64_t us = wall_ms(ms_).ns / 1000;
    return line(end, Direction::received,
                fmt::format(R"({{"event":"{}","data":{},"timestamp":{{)"
                            R"("seconds":{},"microseconds":{}}}}})",
                            name, data, us / 1'000'000, us % 1'000'000));
  }
  Dialogue& line(End end, Direction direction, std::string text) {
    builder_.add({{at_ms(ms_), wall_ms(ms_)}, end, direction, std::move(text)});
    ++ms_;
    return *this;
  }
  Timeline take() { return builder_.take(); }

private:
  TimelineBuilder builder_;
  double ms_ = 100;
};

} // namespace

TEST_CASE("replies find their questions at both ends") {
  Timeline out =
      Dialogue()
          .sent(End::source, 7, "query-migrate")               // 100
          .sent(End::destination, 7, "query-status")           // 101
          .sent(End::source, 8, "query-migrate-parameters")    // 102
          .reply(End::destination, 7, R"({"status":"x"})")     // 103
          .reply(End::source, 7, R"({"status":"active"})")     // 104
          .reply(End::source, 8, R"({"downtime-limit":300})")  // 105
          .sent(End::source, 9, "query-migrate-parameters")    // 106
          .reply(End::source, 9, R"({"downtime-limit":2000})") // 107
          .reply(End::source, 7, R"({"status":"failed"})")     // nobody asked
          .take();
  REQUIRE(out.samples.size() == 1);
  CHECK(out.samples[0].asked == at_ms(100));
  CHECK(out.samples[0].answered == at_ms(104));
  CHECK(out.samples[0].info.status == MigrationStatus::active);
  REQUIRE(out.parameters.size() == 2);
  CHECK(out.parameters[0].values.downtime_limit_ms == 300);
  CHECK(out.parameters[0].answered == at_ms(105));
  CHECK(out.parameters[1].values.downtime_limit_ms == 2000);
  CHECK(out.parameters[1].answered == at_ms(107));
}

TEST_CASE("what one end leaves open costs the other no answer") {
  Dialogue dialogue;
  for (int id = 0; id < 1000; ++id)
    dialogue.sent(End::destination, id, "query-status");
  dialogue.sent(End::source, 1, "query-migrate")
      .sent(End::destination, 1001, "query-status")
      .reply(End::source, 1, R"({"status":"active"})");
  CHECK(dialogue.take().samples.size() == 1);
}

TEST_CASE("questions without answers are forgotten in the end") {
  Dialogue dialogue;
  for (int id = 0; id <= 1000; ++id)
    dialogue.sent(End::source, id, "query-migrate");
  Timeline out = dialogue.reply(End::source, 0, R"({"status":"active"})")
                     .reply(End::source, 1, R"({"status":"active"})")
                     .reply(End::source, 1000, R"({"status":"active"})")
                     .take();
  REQUIRE(out.samples.size() == 2);
  CHECK(out.samples[0].asked == at_ms(101));
}

TEST_CASE("limits and vCPUs are kept as they were told") {
  Timeline out =
      Dialogue()
          .sent(End::source, 1, "query-migrate-parameters")      // 100
          .reply(End::source, 1, R"({"max-bandwidth":7})")       // 101
          .sent(End::source, 2, "query-migrate-parameters")      // 102
          .reply(End::source, 2, R"({"max-bandwidth":0})")       // 103
          .sent(End::destination, 1, "query-cpus-fast")          // 104
          .reply(End::destination, 1, R"([{"thread-id":5},{}])") // 105
          .take();
  REQUIRE(out.parameters.size() == 2);
  CHECK(out.parameters[0].answered == at_ms(101));
  CHECK(out.parameters[0].values.max_bandwidth == 7);
  CHECK(out.parameters[1].values.max_bandwidth == 0);
  CHECK(out.vcpu_threads[0].empty());
  CHECK(out.vcpu_threads[1] == std::vector<int64_t>{5});
}

TEST_CASE("events of both ends") {
  Timeline out =
      Dialogue()
          .event(End::source, "MIGRATION", R"({"status":"setup"})")
          .event(End::source, "MIGRATION_PASS", R"({"pass":1})")
          .event(End::destination, "MIGRATION_PASS", R"({"pass":5})")
          .event(End::destination, "MIGRATION", R"({"status":"active"})")
          .event(End::source, "STOP")
          .event(End::destination, "RESUME")
          .event(End::destination, "RESUME")
          .take();
  REQUIRE(out.source_statuses.size() == 1);
  CHECK(out.source_statuses[0].status == MigrationStatus::setup);
  REQUIRE(out.passes.size() == 1);
  CHECK(out.passes[0].pass == 1);
  CHECK(out.destination_statuses.size() == 1);
  REQUIRE(out.stop);
  CHECK(out.stop->arrival.mono == at_ms(104));
  CHECK(out.stop->emitted == wall_ms(104));
  REQUIRE(out.resume);
  CHECK(out.resume->arrival.mono == at_ms(105)); // the first
}

TEST_CASE("the last STOP counts, and a RESUME of the source undoes it") {
  Timeline out = Dialogue()
                     .event(End::source, "RESUME") // of no STOP we know
                     .event(End::source, "STOP")   // the user's
                     .event(End::source, "RESUME")
                     .event(End::source, "STOP") // 103
                     .take();
  CHECK(out.stop->arrival.mono == at_ms(103));
  CHECK_FALSE(out.source_resume);
  out = Dialogue()
            .event(End::source, "STOP")
            .event(End::source, "RESUME") // 101: it failed
            .take();
  REQUIRE(out.source_resume);
  CHECK(out.source_resume->arrival.mono == at_ms(101));
}

TEST_CASE("greetings give the versions") {
  constexpr const char* greeting =
      R"({"QMP":{"version":{"qemu":{"major":%,"minor":0,"micro":2},)"
      R"("package":""},"capabilities":[]}})";
  std::string source = greeting, destination = greeting;
  source.replace(source.find('%'), 1, "10");
  destination.replace(destination.find('%'), 1, "11");
  Timeline out = Dialogue()
                     .line(End::source, Direction::received, source)
                     .line(End::destination, Direction::received, destination)
                     .take();
  CHECK(out.source_version->major == 10);
  CHECK(out.destination_version->major == 11);
}

TEST_CASE("lines of any shape are counted, never believed") {
  Timeline out = Dialogue()
                     .line(End::source, Direction::received, "no JSON")
                     .line(End::source, Direction::received, "[]")
                     .line(End::source, Direction::sent, "no JSON")
                     .line(End::source, Direction::sent, R"({"id":1})")
                     .reply(End::source, 1, "{}")
                     .sent(End::source, 2, "query-migrate")
                     .reply(End::source, 2, "[17]")
                     .take();
  CHECK(out.unreadable_lines == 2);
  REQUIRE(out.samples.size() == 1);
  CHECK_FALSE(out.samples[0].info.status);
}

TEST_CASE("the newest status, by event or sample") {
  Timeline timeline;
  CHECK_FALSE(last_status(timeline));
  timeline.samples.push_back(sample_ms(10, MigrationStatus::active));
  CHECK(last_status(timeline) == MigrationStatus::active);
  timeline.source_statuses.push_back({MigrationStatus::device, mark_ms(5)});
  CHECK(last_status(timeline) == MigrationStatus::active);
  timeline.source_statuses.push_back({MigrationStatus::completed, mark_ms(20)});
  CHECK(last_status(timeline) == MigrationStatus::completed);
}

TEST_CASE("the start is the first sign of running") {
  Timeline timeline;
  timeline.source_clock = ClockMap::local({});
  CHECK_FALSE(migration_start(timeline));
  timeline.samples.push_back(sample_ms(5, MigrationStatus::completed));
  CHECK_FALSE(migration_start(timeline));
  timeline.samples.push_back(sample_ms(20, MigrationStatus::active));
  CHECK(migration_start(timeline) == at_ms(21));
  timeline.source_statuses.push_back({MigrationStatus::setup, mark_ms(12, 2)});
  CHECK(migration_start(timeline) == at_ms(12));
}

TEST_CASE("a migration that was joined began before") {
  Timeline timeline;
  timeline.samples.push_back(sample_ms(5000, MigrationStatus::active));
  timeline.samples[0].info.total_time_ms = 4000;
  CHECK(migration_start(timeline) == at_ms(1001));
}

TEST_CASE("a total time that no migration has run for is no time") {
  Timeline timeline;
  timeline.samples.push_back(sample_ms(5000, MigrationStatus::active));
  for (uint64_t absurd : {UINT64_MAX, UINT64_MAX / 4, UINT64_MAX >> 20}) {
    timeline.samples[0].info.total_time_ms = absurd;
    CHECK(migration_start(timeline) == at_ms(5001));
  }
}

TEST_CASE("an earlier migration's end is not this one's") {
  Timeline out;
  out.samples = {sample_ms(0, MigrationStatus::completed, 9),
                 sample_ms(200, MigrationStatus::completed, 9)};
  CHECK(own_samples(out).empty());
  CHECK_FALSE(last_status(out));
  CHECK_FALSE(completion(out));
  out.samples.push_back(sample_ms(400, MigrationStatus::active, 1));
  out.samples.push_back(sample_ms(600, MigrationStatus::completed, 3));
  CHECK(own_samples(out).size() == 2);
  CHECK(last_status(out) == MigrationStatus::completed);
  CHECK(completion(out) == at_ms(601));
}
