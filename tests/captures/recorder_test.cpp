// From attaching to following.
#include "tests/captures/recorder_script.h"

#include <fmt/format.h>

using namespace migscope;
using namespace migscope::testing;

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

TEST_CASE("the parameters are asked for once a pass") {
  Script script;
  script.start();
  auto pass = [&](const char* count) {
    script.event("MIGRATION_PASS", R"({"pass":1})");
    script.answer(End::source, "query-migrate",
                  json(fmt::format(R"({{"status":"active","ram":)"
                                   R"({{"dirty-sync-count":{}}}}})",
                                   count)
                           .c_str()));
    int asked = script.pending(End::source, "query-migrate-parameters");
    CHECK(script.pending(End::source, "query-migrate-capabilities") == 0);
    script.answer_settings();
    return asked;
  };
  CHECK(pass("1") == 1);
  CHECK(pass("1") == 0); // a sample in mid-pass
  CHECK(pass("3") == 1);
  CHECK(pass("\"x\"") == 0);
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
