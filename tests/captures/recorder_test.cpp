#include "captures/recorder.h"

#include "tests/support/fake_clock.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using migscope::testing::FakeClock;
using qmp::Json;
using std::chrono::milliseconds;
using Kind = Outcome::Kind;

namespace {

struct Question {
  End end;
  std::string command;
  Json arguments;
  qmp::Session::ReplyHandler on_reply;
};

Json json(const char* text) {
  return *Json::parse(text);
}

Json status(const char* word) {
  return Json::object().set("status", word);
}

Json capabilities(bool events) {
  return Json::array().add(
      Json::object().set("capability", "events").set("state", events));
}

Error gone() {
  return {ErrorKind::io, "the peer closed the connection", "source"};
}

// Both monitors and the owner: keeps what the recorder asks until the test
// answers it.
class Script {
public:
  explicit Script(RecorderOptions options = {})
      : has_destination_(options.has_destination),
        recorder(
            options,
            {
                [this](End end, std::string_view command, const Json& arguments,
                       qmp::Session::ReplyHandler on_reply) {
                  asked_.push_back({end, std::string(command), arguments,
                                    std::move(on_reply)});
                },
                [this](std::string text) {
                  notices.push_back(std::move(text));
                },
                [this] { ++attached; },
            }) {}

  // Answers what attaching asks, the source's first query-migrate included.
  void attach(const Json& found = Json::object(), bool events = true) {
    recorder.ready(End::source, {10, 0, 2, ""}, clock.now());
    answer_attach(End::source, events);
    if (has_destination_) {
      recorder.ready(End::destination, {10, 0, 2, ""}, clock.now());
      answer_attach(End::destination, events);
    }
    answer(End::source, "query-migrate", found);
  }
  void answer_attach(End end, bool events) {
    answer(end, "query-migrate-capabilities", capabilities(events));
    answer(end, "query-migrate-parameters", json(R"({"downtime-limit":300})"));
    answer(end, "qom-get", Json::of("pc-i440fx-10.0-machine"));
    answer(end, "query-status", status("running"));
    answer(end, "query-memory-size-summary", Json::object());
    answer(end, "query-cpus-fast", Json::array());
  }
  // An attached recorder that has seen the migration begin.
  void start() {
    attach();
    event("MIGRATION", R"({"status":"setup"})");
    event("MIGRATION", R"({"status":"active"})");
    answer_settings();
  }
  // What is asked about the settings, if anything.
  void answer_settings() {
    while (pending(End::source, "query-migrate-capabilities"))
      answer(End::source, "query-migrate-capabilities", capabilities(true));
    while (pending(End::source, "query-migrate-parameters"))
      answer(End::source, "query-migrate-parameters",
             json(R"({"downtime-limit":100})"));
  }

  void event(const char* name, const char* data = "null",
             End end = End::source) {
    recorder.event(end, {name, clock.now().wall, json(data)}, clock.now());
  }
  void completed() { event("MIGRATION", R"({"status":"completed"})"); }
  void tick(Nanos later) {
    clock.advance(later);
    recorder.tick(clock.now());
  }
  void close(End end) { recorder.closed(end, gone(), clock.now()); }

  [[nodiscard]] int pending(End end, std::string_view command) const {
    return static_cast<int>(
        std::count_if(asked_.begin(), asked_.end(), [&](const Question& q) {
          return q.end == end && q.command == command;
        }));
  }
  // The oldest question of this kind.
  void answer(End end, std::string_view command, Result<Json> reply) {
    take(end, command).on_reply(std::move(reply));
  }
  Question take(End end, std::string_view command) {
    auto it =
        std::find_if(asked_.begin(), asked_.end(), [&](const Question& q) {
          return q.end == end && q.command == command;
        });
    REQUIRE_MESSAGE(it != asked_.end(), "nobody asked ", command);
    Question question = std::move(*it);
    asked_.erase(it);
    return question;
  }
  void refuse_all() {
    while (!asked_.empty()) {
      Question question = std::move(asked_.front());
      asked_.erase(asked_.begin());
      question.on_reply(fail(ErrorKind::refused, "GenericError: no"));
    }
  }
  [[nodiscard]] bool noticed(std::string_view text) const {
    return std::any_of(
        notices.begin(), notices.end(),
        [&](const std::string& n) { return n.find(text) != n.npos; });
  }
  [[nodiscard]] std::optional<Kind> outcome() const {
    const auto& outcome = recorder.outcome();
    return outcome ? std::optional(outcome->kind) : std::nullopt;
  }

private:
  std::vector<Question> asked_;
  bool has_destination_;

public:
  FakeClock clock;
  std::vector<std::string> notices;
  int attached = 0;
  Recorder recorder;
};

RecorderOptions both_ends() {
  RecorderOptions options;
  options.has_destination = true;
  return options;
}

const Json kDone = json(R"({"status":"completed","total-time":700,
    "downtime":21,"ram":{"transferred":1000}})");

} // namespace

TEST_CASE("a migration without destination is followed to its last figures") {
  Script script;
  script.attach();
  CHECK(script.attached == 1);
  CHECK_FALSE(script.recorder.busy());
  CHECK(script.recorder.info(End::source).machine.as_string() ==
        "pc-i440fx-10.0-machine");

  script.event("MIGRATION", R"({"status":"setup"})");
  CHECK(script.recorder.busy());
  script.event("MIGRATION_PASS", R"({"pass":1})");
  CHECK(script.recorder.last_pass() == 1);
  script.answer(End::source, "query-migrate",
                json(R"({"status":"active","total-time":3})"));
  CHECK(script.recorder.latest().total_time_ms == 3);

  script.completed();
  CHECK_FALSE(script.outcome());
  script.answer(End::source, "query-migrate", kDone);
  CHECK(script.outcome() == Kind::completed);
  CHECK(script.recorder.latest().downtime_ms == 21);
  CHECK(script.recorder.outcome()->detail.empty());
}

TEST_CASE("sampling alone sees a migration begin and end") {
  Script script;
  script.attach(Json::object(), false);
  CHECK(script.noticed("`events` capability is off"));
  script.tick(Recorder::kIdleInterval);
  script.answer(End::source, "query-migrate", status("setup"));
  CHECK(script.recorder.busy());

  script.tick(milliseconds(49));
  CHECK(script.pending(End::source, "query-migrate") == 0);
  script.tick(milliseconds(1));
  script.answer(End::source, "query-migrate", kDone);
  script.answer(End::source, "query-migrate", kDone);
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("nothing is sampled before the source has answered") {
  Script script;
  script.tick(milliseconds(500));
  script.recorder.ready(End::source, {7, 2, 0, ""}, script.clock.now());
  script.tick(milliseconds(500));
  CHECK(script.pending(End::source, "query-migrate") == 0);
  CHECK(script.attached == 0);
}

TEST_CASE("attached is told once, when both ends have answered") {
  Script script(both_ends());
  script.recorder.ready(End::source, {7, 2, 0, ""}, script.clock.now());
  script.answer_attach(End::source, true);
  CHECK(script.attached == 0);
  script.recorder.ready(End::destination, {7, 2, 0, ""}, script.clock.now());
  script.answer_attach(End::destination, true);
  CHECK(script.attached == 1);
}

TEST_CASE("a monitor that refuses every question is followed all the same") {
  Script script;
  script.recorder.ready(End::source, {7, 2, 0, ""}, script.clock.now());
  script.refuse_all();
  script.refuse_all();
  CHECK(script.attached == 1);
  CHECK(script.recorder.info(End::source).machine.is_null());

  script.event("MIGRATION", R"({"status":"active"})");
  script.completed();
  script.refuse_all();
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("the events capability is turned on where that was asked for") {
  RecorderOptions options = both_ends();
  options.enable_events = true;
  Script script(options);
  script.attach(Json::object(), false);
  Question source = script.take(End::source, "migrate-set-capabilities");
  CHECK(source.arguments.dump() ==
        R"({"capabilities":[{"capability":"events","state":true}]})");
  source.on_reply(Json::object());
  CHECK(script.noticed("turned on the `events` capability of the source"));
  script.answer(End::destination, "migrate-set-capabilities",
                fail(ErrorKind::refused, "GenericError: in progress"));
  CHECK(script.noticed("could not turn on the `events` capability of the "
                       "destination: GenericError: in progress"));
}

TEST_CASE("an events capability that is on is left alone") {
  RecorderOptions options;
  options.enable_events = true;
  Script script(options);
  script.attach();
  CHECK(script.pending(End::source, "migrate-set-capabilities") == 0);
  CHECK(script.notices.empty());
}

TEST_CASE("the settings a migration runs with are asked for once more") {
  // Between attaching and the start somebody sets them; during the migration
  // somebody raises the downtime limit.
  Script script;
  script.attach();
  script.event("MIGRATION", R"({"status":"setup"})");
  CHECK(script.pending(End::source, "query-migrate-capabilities") == 1);
  script.answer(End::source, "query-migrate-parameters",
                json(R"({"downtime-limit":100})"));
  CHECK(script.recorder.info(End::source)
            .parameters.get("downtime-limit")
            .as_uint() == 100);
  script.completed();
  script.answer(End::source, "query-migrate-parameters",
                json(R"({"downtime-limit":2000})"));
  CHECK(script.recorder.info(End::source)
            .parameters.get("downtime-limit")
            .as_uint() == 2000);
  script.answer(End::source, "query-migrate", kDone);
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("a running migration is joined") {
  Script script;
  script.attach(json(R"({"status":"active","total-time":5000})"));
  CHECK(script.recorder.busy());
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("an event is news even where no sample came before it") {
  Script script;
  script.recorder.ready(End::source, {10, 0, 2, ""}, script.clock.now());
  script.completed(); // the end of a migration that ran when we connected
  script.answer_attach(End::source, true);
  while (script.pending(End::source, "query-migrate"))
    script.answer(End::source, "query-migrate", kDone);
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("a migration that ended before does not end the recording") {
  Script script;
  script.attach(kDone);
  CHECK_FALSE(script.recorder.busy());
  for (int i = 0; i < 3; ++i) {
    script.tick(Recorder::kIdleInterval);
    script.answer(End::source, "query-migrate", kDone);
  }
  CHECK_FALSE(script.recorder.busy());
  CHECK_FALSE(script.outcome());
}

TEST_CASE("a migration between two samples is noticed by its end") {
  Script script;
  script.attach(kDone, false);
  script.tick(Recorder::kIdleInterval);
  Json other = json(R"({"status":"completed","total-time":60})");
  script.answer(End::source, "query-migrate", other);
  script.answer(End::source, "query-migrate", other);
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("the reason of an earlier failure is not that of this migration") {
  Json refused = json(R"({"status":"failed","error-desc":"refused"})");
  SUBCASE("completed") {
    Script script;
    script.attach(refused);
    script.event("MIGRATION", R"({"status":"active"})");
    script.completed();
    script.answer(End::source, "query-migrate", kDone);
    CHECK(script.recorder.outcome()->detail.empty());
  }
  SUBCASE("the source is gone before it could be asked") {
    Script script;
    script.attach(refused);
    script.event("MIGRATION", R"({"status":"active"})");
    script.completed();
    script.close(End::source);
    CHECK(script.outcome() == Kind::completed);
    CHECK(script.recorder.outcome()->detail.empty());
  }
}

TEST_CASE("a failed migration ends with QEMU's reason") {
  Script script(both_ends());
  script.start();
  script.event("MIGRATION", R"({"status":"failed"})");
  CHECK_FALSE(script.outcome());
  script.answer(End::source, "query-migrate",
                json(R"({"status":"failed","error-desc":"Unable to write"})"));
  // The destination will not resume; nobody waits for it.
  CHECK(script.outcome() == Kind::failed);
  CHECK(script.recorder.outcome()->detail == "Unable to write");
}

TEST_CASE("cancelling is not an end, cancelled is") {
  Script script;
  script.start();
  script.event("MIGRATION", R"({"status":"cancelling"})");
  CHECK(script.pending(End::source, "query-migrate") == 0);
  script.event("MIGRATION", R"({"status":"cancelled"})");
  script.answer(End::source, "query-migrate", status("cancelled"));
  CHECK(script.outcome() == Kind::cancelled);
}

TEST_CASE("completed waits for the destination to resume") {
  Script script(both_ends());
  script.start();
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  CHECK_FALSE(script.outcome());
  script.answer(End::destination, "query-status", status("inmigrate"));
  script.event("RESUME", "null", End::destination);
  CHECK_FALSE(script.outcome());
  script.answer(End::destination, "query-migrate", status("completed"));
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("a guest that was paused stays paused, and query-status tells") {
  Script script(both_ends());
  script.start();
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  script.answer(End::destination, "query-status", status("inmigrate"));
  script.tick(milliseconds(100));
  script.answer(End::destination, "query-status", status("paused"));
  script.answer(End::destination, "query-migrate", status("completed"));
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("postcopy: the destination resumes before the source is done") {
  Script script(both_ends());
  script.start();
  script.event("STOP");
  script.answer(End::source, "query-migrate", status("device"));
  script.event("MIGRATION", R"({"status":"postcopy-active"})");
  script.event("RESUME", "null", End::destination);
  CHECK(script.pending(End::destination, "query-migrate") == 0);
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  script.answer(End::destination, "query-status", status("running"));
  script.answer(End::destination, "query-migrate", status("completed"));
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("a destination that never resumes is not waited for without end") {
  Script script(both_ends());
  script.start();
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  script.tick(Recorder::kSettleTime - milliseconds(1));
  CHECK_FALSE(script.outcome());
  script.tick(milliseconds(1));
  CHECK(script.outcome() == Kind::completed);
  CHECK(script.noticed("did not resume in time"));
}

TEST_CASE("a source without last figures is not waited for without end") {
  Script script;
  script.start();
  script.completed();
  script.tick(Recorder::kSettleTime);
  CHECK(script.outcome() == Kind::completed);
  CHECK_FALSE(script.noticed("did not resume"));
}

TEST_CASE("a destination is asked one question at a time") {
  Script script(both_ends());
  script.start();
  script.completed();
  for (int i = 0; i < 50; ++i)
    script.tick(milliseconds(10));
  CHECK(script.pending(End::destination, "query-status") == 1);
  script.answer(End::destination, "query-status", status("inmigrate"));
  for (int i = 0; i < 50; ++i)
    script.tick(milliseconds(10));
  CHECK(script.pending(End::destination, "query-status") == 1);
}

TEST_CASE("an error to query-status does not end the waiting") {
  Script script(both_ends());
  script.start();
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  script.answer(End::destination, "query-status",
                fail(ErrorKind::refused, "GenericError: no"));
  CHECK_FALSE(script.outcome());
  script.tick(milliseconds(100));
  CHECK(script.pending(End::destination, "query-status") == 1);
}

TEST_CASE("the source is gone") {
  SUBCASE("before a migration") {
    Script script(both_ends());
    script.attach();
    script.close(End::source);
    CHECK(script.outcome() == Kind::disconnected);
    CHECK(script.recorder.outcome()->detail ==
          "source: the peer closed the connection");
  }
  SUBCASE("during a migration") {
    Script script(both_ends());
    script.start();
    script.close(End::source);
    CHECK(script.outcome() == Kind::disconnected);
  }
  SUBCASE("as soon as it is done") {
    Script script(both_ends());
    script.start();
    script.completed();
    // The session fails what is pending, then tells that it is closed.
    script.answer(End::source, "query-migrate", fail(gone()));
    script.close(End::source);
    CHECK_FALSE(script.outcome());
    script.event("RESUME", "null", End::destination);
    script.answer(End::destination, "query-migrate", status("completed"));
    CHECK(script.outcome() == Kind::completed);
  }
}

TEST_CASE("the destination is gone") {
  Script script(both_ends());
  SUBCASE("before a migration") {
    script.attach();
    script.close(End::destination);
    script.answer(End::source, "query-migrate", status("none"));
    CHECK(script.outcome() == Kind::disconnected);
    CHECK(script.recorder.outcome()->detail ==
          "source: the peer closed the connection");
  }
  SUBCASE("during a migration, which may go on") {
    script.start();
    script.close(End::destination);
    CHECK(script.noticed("the destination's monitor is gone"));
    CHECK_FALSE(script.outcome());
    script.event("MIGRATION", R"({"status":"failed"})");
    script.answer(End::source, "query-migrate", status("failed"));
    CHECK(script.outcome() == Kind::failed);
  }
  SUBCASE("before it resumed: it could not load what it got") {
    script.start();
    script.completed();
    script.answer(End::source, "query-migrate", kDone);
    script.close(End::destination);
    CHECK(script.outcome() == Kind::completed);
    CHECK(script.noticed("the destination's monitor is gone"));
  }
  SUBCASE("after it resumed") {
    script.start();
    script.completed();
    script.answer(End::source, "query-migrate", kDone);
    script.event("RESUME", "null", End::destination);
    script.answer(End::destination, "query-migrate", fail(gone()));
    script.close(End::destination);
    CHECK(script.outcome() == Kind::completed);
    CHECK(script.notices.empty());
  }
}

TEST_CASE("a connection lost while attaching says so and no more") {
  Script script;
  script.recorder.ready(End::source, {7, 2, 0, ""}, script.clock.now());
  script.refuse_all();
  script.close(End::source);
  script.refuse_all();
  CHECK(script.outcome() == Kind::disconnected);
  CHECK(script.notices.empty());
}

TEST_CASE("a busy source is asked one question at a time") {
  Script script;
  script.start();
  script.event("MIGRATION_PASS", R"({"pass":2})");
  script.event("MIGRATION_PASS", R"({"pass":3})");
  for (int i = 0; i < 20; ++i)
    script.tick(milliseconds(50));
  CHECK(script.pending(End::source, "query-migrate") == 1);
  // The pass that came meanwhile is worth another, the ticks are not.
  script.answer(End::source, "query-migrate", status("active"));
  CHECK(script.pending(End::source, "query-migrate") == 1);
  for (int i = 0; i < 20; ++i)
    script.tick(milliseconds(10));
  script.answer(End::source, "query-migrate", status("active"));
  CHECK(script.pending(End::source, "query-migrate") == 0);
}

TEST_CASE("an interruption ends the recording at once") {
  Script script(both_ends());
  script.start();
  script.recorder.interrupt();
  CHECK(script.outcome() == Kind::interrupted);
  // What still comes changes nothing.
  script.completed();
  script.tick(milliseconds(500));
  script.close(End::source);
  CHECK(script.outcome() == Kind::interrupted);
  CHECK(script.pending(End::source, "query-migrate") == 0);
}

TEST_CASE("an interruption does not undo an end") {
  Script script;
  script.start();
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  script.recorder.interrupt();
  CHECK(script.outcome() == Kind::completed);
}

TEST_CASE("replies of the wrong shape are no reason to stop") {
  Script script;
  script.attach(Json::array());
  script.event("MIGRATION", R"({"status":17})");
  script.event("MIGRATION_PASS", R"({"pass":"x"})");
  script.event("MIGRATION");
  CHECK_FALSE(script.recorder.busy());
  script.tick(Recorder::kIdleInterval);
  script.answer(End::source, "query-migrate", Json::of("hello"));
  CHECK_FALSE(script.recorder.busy());
  script.event("MIGRATION", R"({"status":"a-word-of-a-later-qemu"})");
  CHECK(script.recorder.busy());
}

TEST_CASE("the last figures are waited for until QEMU has added them up") {
  Script script;
  script.start();
  script.completed();
  Json early = status("completed").set("total-time", 0).set("downtime", 0);
  script.answer(End::source, "query-migrate", early);
  CHECK_FALSE(script.outcome());

  SUBCASE("they come") {
    script.tick(milliseconds(10));
    script.answer(End::source, "query-migrate",
                  status("completed").set("total-time", 812));
    CHECK(script.recorder.latest().total_time_ms == 812);
  }
  SUBCASE("they never come") {
    script.tick(Recorder::kFiguresTime);
    script.answer(End::source, "query-migrate", early);
  }
  CHECK(script.outcome() == Kind::completed);
}
