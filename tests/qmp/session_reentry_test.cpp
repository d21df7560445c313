// Handlers that call back into the session they are called from.
#include "tests/qmp/dialogue.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::qmp;
using namespace migscope::qmp::testing;

TEST_CASE("handlers may go on talking") {
  Dialogue d;
  d.make_ready();
  int left = 3;
  std::function<void(const Result<Json>&)> again =
      [&](const Result<Json>& result) {
        REQUIRE(result);
        if (--left > 0)
          d.session.execute("next", Json(), again);
      };
  d.session.execute("first", Json(), again);
  for (int id = 2; id < 5; ++id)
    d.hear(reply(id));
  CHECK(left == 0);
  CHECK_FALSE(d.session.closed());
}

TEST_CASE("a handler may end the session; the rest of the bytes is not heard") {
  Dialogue d;
  d.make_ready();
  d.session.execute("a", Json(),
                    [&](const Result<Json>&) { d.session.peer_closed(); });
  d.execute("b");
  d.hear(reply(2) + event("STOP") + reply(3));
  CHECK(d.log.back() == "closed");
  CHECK(d.log[2] == "b m: the monitor closed the connection and left b "
                    "unanswered");
  CHECK(d.log.size() == 4);
}

TEST_CASE(
    "a handler that is told of the end may ask again, and is told again") {
  Dialogue d;
  d.make_ready();
  int told = 0;
  d.session.execute("a", Json(), [&](const Result<Json>& result) {
    CHECK_FALSE(result);
    ++told;
    d.session.execute("b", Json(), [&](const Result<Json>& inner) {
      CHECK_FALSE(inner);
      ++told;
    });
  });
  d.session.peer_closed();
  CHECK(told == 2);
}

TEST_CASE("a send that fails at once ends all commands, once each") {
  migscope::testing::FakeClock clock;
  Session* self = nullptr;
  int failed = 0, closed = 0;
  Session::Output output;
  output.send = [&](std::string_view bytes) {
    if (bytes.find("\"a\"") != bytes.npos)
      self->transport_failed({ErrorKind::io, "write"});
  };
  output.closed = [&](const Error&) { ++closed; };
  Session session("m", clock, output);
  self = &session;
  auto count = [&](const Result<Json>& result) { failed += !result; };
  for (const char* name : {"a", "b", "c"})
    session.execute(name, Json(), count);
  std::string text = std::string(kHello) + reply(4);
  session.receive(std::as_bytes(std::span(text)));
  CHECK(failed == 3);
  CHECK(closed == 1);
}

TEST_CASE("an abandoned session calls nobody") {
  Dialogue d;
  d.make_ready();
  d.execute("a");
  d.session.execute("b", Json(),
                    [&](const Result<Json>&) { d.session.abandon(); });
  d.execute("c");
  d.execute("e");
  d.hear(reply(2));
  d.log.clear();
  d.hear(reply(3) + reply(4) + event("STOP"));
  d.session.peer_closed();
  CHECK(d.log == Log{R"(> {"execute":"c","id":4})"});
  CHECK_FALSE(d.error);
  d.execute("late");
  CHECK(d.log.back() == "late m: the connection was given up");
}

TEST_CASE("an owner that goes away while commands fail is left alone") {
  Dialogue d;
  d.make_ready();
  d.session.execute("a", Json(),
                    [&](const Result<Json>&) { d.session.abandon(); });
  d.execute("b");
  d.log.clear();
  d.session.peer_closed();
  CHECK(d.log.empty());
}

TEST_CASE("no outputs at all is fine") {
  migscope::testing::FakeClock clock;
  Session session("m", clock, {});
  std::string text = std::string(kHello) + reply(1) + event("STOP") + "x\n";
  session.receive(std::as_bytes(std::span(text)));
  CHECK(session.closed());
}
