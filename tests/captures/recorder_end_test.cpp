// How a recording ends.
#include "tests/captures/recorder_script.h"

using namespace migscope;
using namespace migscope::testing;

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

TEST_CASE("the destination is asked until it is done, but not for ever") {
  Script script(both_ends());
  script.start();
  script.completed();
  script.answer(End::source, "query-migrate", kDone);
  script.answer(End::destination, "query-status", status("running"));
  script.answer(End::destination, "query-migrate", status("postcopy-active"));
  CHECK_FALSE(script.outcome());
  script.tick(milliseconds(100));
  script.answer(End::destination, "query-status", status("running"));
  SUBCASE("it is done") {
    script.answer(End::destination, "query-migrate", status("completed"));
  }
  SUBCASE("it never is") {
    script.tick(Recorder::kFiguresTime);
    script.answer(End::destination, "query-migrate", status("active"));
  }
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
    CHECK(script.noticed("the destination's monitor is gone"));
    CHECK_FALSE(script.outcome());
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
