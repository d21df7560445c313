#include "tools/live/live_figures.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::tools;
using captures::End;

namespace {

class Monitor {
public:
  void say(int64_t ms, qmp::Direction direction, std::string text,
           End end = End::source) {
    ClockReading time{{ms * 1'000'000}, {ms * 1'000'000}};
    figures.add({time, end, direction, std::move(text)});
  }
  void reply(int64_t ms, const char* command, const std::string& value) {
    say(ms, qmp::Direction::sent,
        fmt::format(R"({{"execute":"{}","id":{}}})", command, ++id_));
    say(ms, qmp::Direction::received,
        fmt::format(R"({{"return":{},"id":{}}})", value, id_));
  }
  void sample(int64_t ms, const char* status, int pass, uint64_t left,
              double mbps = 268.435456, uint64_t dirty_pages = 0) {
    reply(ms, "query-migrate",
          fmt::format(R"({{"status":"{}","total-time":{},"ram":{{)"
                      R"("remaining":{},"total":268435456,"mbps":{},)"
                      R"("dirty-pages-rate":{},"page-size":4096,)"
                      R"("transferred":1000,"dirty-sync-count":{}}}}})",
                      status, ms, left, mbps, dirty_pages, pass));
  }
  void event(int64_t ms, const char* name, const std::string& data) {
    say(ms, qmp::Direction::received,
        fmt::format(R"({{"event":"{}","timestamp":{{"seconds":1,)"
                    R"("microseconds":0}},"data":{}}})",
                    name, data));
  }

  LiveFigures figures{"run.migscope", "ends the recording"};
  const LiveModel& model = figures.model();

private:
  int id_ = 0;
};

constexpr uint64_t kMib = 1 << 20;

} // namespace

TEST_CASE("a migration is followed from its beginning") {
  Monitor monitor;
  CHECK_FALSE(monitor.model.status);
  CHECK(why_not_yet(monitor.model) == "no migration has begun");
  monitor.event(1000, "MIGRATION", R"({"status":"setup"})");
  CHECK(monitor.model.status == qmp::MigrationStatus::setup);
  monitor.reply(1001, "query-migrate-parameters",
                R"({"downtime-limit":100,"max-bandwidth":33554432})");
  monitor.sample(1010, "active", 1, 200 * kMib, 0);
  CHECK(monitor.model.pass == 1);
  CHECK(monitor.model.left == 200 * kMib);
  monitor.sample(2000, "active", 1, 100 * kMib);
  monitor.event(3000, "MIGRATION_PASS", R"({"pass":2})");
  CHECK(monitor.model.pass == 2);
  monitor.sample(3001, "active", 2, 32 * kMib, 268.435456, 8192);
  CHECK(monitor.model.limit_ms == 100);
  CHECK(monitor.model.sent == 33554432.0);
  CHECK(monitor.model.dirtied == 8192 * 4096.0);
  REQUIRE(monitor.model.checks.size() == 2);
  CHECK(monitor.model.checks.back().pass == 2);
  CHECK(monitor.model.checks.back().verdict == analyzer::Verdict::too_much);
  CHECK(why_not_yet(monitor.model).starts_with("32.0 MiB left, 3.20 MiB "));
  CHECK(monitor.model.points.size() == 3);
}

TEST_CASE("an earlier migration's end is none") {
  Monitor monitor;
  monitor.sample(1000, "completed", 7, 0);
  CHECK_FALSE(monitor.model.status);
  CHECK(monitor.model.pass == 0);
  monitor.sample(2000, "active", 1, kMib);
  CHECK(monitor.model.status == qmp::MigrationStatus::active);
}

TEST_CASE("the destination's events are not the source's") {
  Monitor monitor;
  monitor.sample(1000, "active", 1, kMib);
  monitor.say(1001, qmp::Direction::received,
              R"({"event":"MIGRATION","timestamp":{"seconds":1,)"
              R"("microseconds":0},"data":{"status":"completed"}})",
              End::destination);
  CHECK(monitor.model.status == qmp::MigrationStatus::active);
}

TEST_CASE("an answer that was on its way does not take an end back") {
  Monitor monitor;
  monitor.sample(1000, "active", 1, kMib);
  monitor.event(1001, "MIGRATION", R"({"status":"completed"})");
  monitor.sample(1002, "active", 1, kMib);
  CHECK(monitor.model.status == qmp::MigrationStatus::completed);
}

TEST_CASE("memory is bounded, and peaks stay") {
  Monitor monitor;
  for (int i = 0; i < 10'000; ++i)
    monitor.sample(1000 + i, "active", 1 + i, i == 5000 ? 999 * kMib : kMib);
  CHECK(monitor.model.points.size() < LiveModel::kMostPoints);
  CHECK(monitor.model.checks.size() == LiveModel::kMostPasses);
  CHECK(monitor.model.pass_starts_ms.size() == LiveModel::kMostPasses);
  double most = 0;
  for (const LivePoint& point : monitor.model.points)
    most = std::max(most, point.left.value_or(0));
  CHECK(most == 999.0 * kMib);
  for (int i = 0; i < 1000; ++i)
    monitor.figures.add_notice("x");
  CHECK(monitor.model.notices.size() == LiveModel::kMostNotices);
}

TEST_CASE("what is no answer changes nothing") {
  Monitor monitor;
  monitor.sample(1000, "active", 3, kMib);
  for (const char* text : {"", "garbage", "{}", R"({"return":[],"id":77})",
                           R"({"event":"MIGRATION_PASS"})"})
    monitor.say(1001, qmp::Direction::received, text);
  monitor.reply(1002, "query-migrate", R"({"status":"active"})");
  monitor.reply(1003, "query-migrate", R"({"ram":{"remaining":-1}})");
  CHECK(monitor.model.pass == 3);
  CHECK(monitor.model.left == kMib);
}
