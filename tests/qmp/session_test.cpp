#include "tests/qmp/dialogue.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::qmp;
using namespace migscope::qmp::testing;
using namespace std::chrono_literals;

TEST_CASE("greeting, negotiation, command, reply") {
  Dialogue d;
  d.hear(kHello);
  CHECK_FALSE(d.session.ready());
  d.hear(reply(1));
  CHECK(d.session.ready());
  d.session.execute("query-x", Json::object().set("a", 1), d.note("query-x"));
  d.hear(reply(2, "[7]"));
  CHECK(d.log == Log{R"(> {"execute":"qmp_capabilities","id":1})",
                     "ready 11.1.0 (x)",
                     R"(> {"execute":"query-x","arguments":{"a":1},"id":2})",
                     "query-x [7]"});
}

TEST_CASE(
    "every line is told verbatim, in both directions, before its effect") {
  Dialogue d;
  d.hear(kHello);
  d.hear(reply(1) + event("STOP"));
  CHECK(d.lines ==
        Log{"< " + std::string(kHello.substr(0, kHello.size() - 2)),
            R"(> {"execute":"qmp_capabilities","id":1})",
            R"(< {"return": {}, "id": 1})",
            "< " + event("STOP").substr(0, event("STOP").size() - 2)});
  d.hear("garbage\n");
  CHECK(d.lines.back() == "< garbage");
  CHECK(d.session.closed());
}

TEST_CASE("a command waits for the reply to the one before") {
  Dialogue d;
  d.make_ready();
  d.execute("a");
  d.execute("b");
  d.execute("c");
  d.hear(event("STOP") + reply(2, "2"));
  d.hear(reply(3, "3") + reply(4, "4"));
  CHECK(d.log == Log{R"(> {"execute":"a","id":2})", "event STOP",
                     R"(> {"execute":"b","id":3})", "a 2",
                     R"(> {"execute":"c","id":4})", "b 3", "c 4"});
}

TEST_CASE("what a reply leads to comes behind what waits already") {
  Dialogue d;
  d.make_ready();
  d.session.execute("a", Json(), [&](const Result<Json>&) { d.execute("c"); });
  d.execute("b");
  d.hear(reply(2) + reply(3));
  CHECK(d.log == Log{R"(> {"execute":"a","id":2})",
                     R"(> {"execute":"b","id":3})",
                     R"(> {"execute":"c","id":4})", "b {}"});
}

TEST_CASE("a command that still waits is told of the end, too") {
  Dialogue d;
  d.make_ready();
  d.execute("a");
  d.execute("b");
  d.session.peer_closed();
  const std::string why =
      " m: the monitor closed the connection and left a unanswered";
  CHECK(d.log.at(1) == "a" + why);
  CHECK(d.log.at(2) == "b" + why);
}

TEST_CASE("events arrive while a command is pending, and in negotiation") {
  Dialogue d;
  d.hear(kHello);
  d.hear(event("EARLY") + reply(1));
  d.execute("a");
  d.hear(event("STOP") + reply(2) + event("RESUME"));
  CHECK(d.log == Log{R"(> {"execute":"qmp_capabilities","id":1})",
                     "event EARLY", "ready 11.1.0 (x)",
                     R"(> {"execute":"a","id":2})", "event STOP", "a {}",
                     "event RESUME"});
}

TEST_CASE("an error reply is told with class and text; the session goes on") {
  Dialogue d;
  d.make_ready();
  d.session.execute("bad", Json(), [&](const Result<Json>& result) {
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::refused);
    CHECK(result.error().message == "CommandNotFound: no such thing");
    CHECK(result.error().where == "m");
  });
  d.hear(R"({"id":2,"error":{"class":"CommandNotFound",)"
         "\"desc\":\"no such thing\"}}\n");
  CHECK(d.session.ready());
}

TEST_CASE("an error without id fails the command that waits for a reply") {
  Dialogue d;
  d.make_ready();
  d.execute("a");
  d.execute("b");
  d.hear("{\"error\":{\"class\":\"GenericError\",\"desc\":\"what\"}}\n");
  d.hear(reply(3));
  CHECK(d.log == Log{R"(> {"execute":"a","id":2})",
                     R"(> {"execute":"b","id":3})", "a m: GenericError: what",
                     "b {}"});
}

TEST_CASE("byte by byte is as good as whole") {
  std::string text = std::string(kHello) + event("A") + reply(1) + event("B") +
                     "\r\n" + reply(2, "{\"x\":[1,2]}") + "{\"half";
  Dialogue whole, cut;
  whole.execute("q");
  cut.execute("q");
  whole.hear(text);
  for (char c : text)
    cut.hear(std::string_view(&c, 1));
  whole.session.peer_closed();
  cut.session.peer_closed();
  CHECK(cut.log == whole.log);
  CHECK(cut.lines == whole.lines);
  CHECK(cut.why() == whole.why());
}

TEST_CASE("commands wait until the session is ready") {
  Dialogue d;
  d.execute("a");
  d.hear(kHello);
  d.execute("b");
  CHECK(d.log.size() == 1);
  d.hear(reply(2));
  CHECK(d.log == Log{R"(> {"execute":"qmp_capabilities","id":2})",
                     R"(> {"execute":"a","id":1})", "ready 11.1.0 (x)"});
  d.hear(reply(1));
  CHECK(d.log.at(3) == R"(> {"execute":"b","id":3})");
}

TEST_CASE("what a peer may not say closes the session") {
  struct Case {
    std::string text;
    size_t offset;
    std::string why;
  };
  const std::string hello(kHello), ready = hello + reply(1);
  for (const Case& c : {
           Case{event("STOP"), 0, "expected the greeting first"},
           Case{reply(1), 0, "expected the greeting first"},
           Case{"QEMU 7.2 monitor\n", 0,
                "not JSON: unexpected character, found \"QEMU 7.2 monitor\""},
           Case{"\n\n[]\n", 2, "expected a JSON object, found \"[]\""},
           Case{hello + hello, hello.size(), "a second greeting"},
           Case{hello + reply(7), hello.size(),
                "a reply to command 7, which is not pending"},
           Case{ready + reply(1), ready.size(),
                "a reply to command 1, which is not pending"},
           Case{ready + "{\"error\":{\"class\":\"A\",\"desc\":\"b\"}}\n",
                ready.size(), "an error for no pending command: A: b"},
       }) {
    Dialogue d;
    d.hear(c.text);
    REQUIRE(d.error);
    CHECK(d.error->message == c.why);
    CHECK(d.error->offset == c.offset);
    CHECK(d.error->where == "m");
    CHECK(d.error->kind == ErrorKind::protocol);
  }
}

TEST_CASE("refused negotiation closes") {
  Dialogue d;
  d.execute("a");
  d.hear(kHello);
  d.hear("{\"id\":2,\"error\":{\"class\":\"X\",\"desc\":\"y\"}}\n");
  CHECK(d.why() == "m: negotiation was refused: X: y");
  CHECK(d.kind() == ErrorKind::refused);
  CHECK(d.log[1] == "a m: negotiation was refused: X: y");
}

TEST_CASE("a line above the cap closes") {
  Dialogue d;
  d.make_ready();
  d.execute("a");
  d.hear(std::string(kMaxLineBytes + 2, ' '));
  CHECK(d.kind() == ErrorKind::protocol);
  CHECK(d.error->where == "m");
  CHECK(d.log.size() == 3);
}

TEST_CASE("a peer that closes") {
  Dialogue early;
  early.session.peer_closed();
  CHECK(early.kind() == ErrorKind::io);
  CHECK(early.why() == "m: the monitor closed without a greeting");

  Dialogue idle;
  idle.make_ready();
  idle.session.peer_closed();
  CHECK(idle.kind() == ErrorKind::io);
  CHECK(idle.why() == "m: the monitor closed the connection");

  Dialogue busy;
  busy.make_ready();
  busy.execute("a");
  busy.session.peer_closed();
  CHECK(busy.kind() == ErrorKind::io);
  CHECK(busy.why() ==
        "m: the monitor closed the connection and left a unanswered");
  CHECK(busy.log[1].starts_with("a m: the monitor closed"));

  Dialogue torn;
  torn.make_ready();
  torn.hear("{\"ret");
  torn.session.peer_closed();
  CHECK(torn.kind() == ErrorKind::protocol);
  CHECK(torn.error->message ==
        "the monitor closed in the middle of a line, after 5 bytes of it");
  CHECK(torn.error->offset == kHello.size() + reply(1).size());
}

TEST_CASE("silence before the greeting is told with the usual reason") {
  Dialogue d;
  d.execute("a");
  d.clock.advance(4999ms);
  d.session.tick();
  CHECK_FALSE(d.session.closed());
  d.clock.advance(1ms);
  d.session.tick();
  CHECK(d.kind() == ErrorKind::timeout);
  CHECK(d.why().find("no greeting within 5 s") != std::string::npos);
  CHECK(d.why().find("serves one client at a time") != std::string::npos);
  CHECK(d.log.size() == 2);
}

TEST_CASE("silence in negotiation and to a command") {
  Dialogue d;
  d.hear(kHello);
  d.clock.advance(5s);
  d.session.tick();
  CHECK(d.why() == "m: greeted, but no reply to qmp_capabilities within 5 s");

  Dialogue e;
  e.make_ready();
  e.clock.advance(1h);
  e.session.tick();
  CHECK_FALSE(e.session.closed());
  e.execute("slow");
  e.clock.advance(29s);
  e.hear(event("NOISE"));
  e.session.tick();
  CHECK_FALSE(e.session.closed());
  e.clock.advance(1s);
  e.session.tick();
  CHECK(e.kind() == ErrorKind::timeout);
  CHECK(e.why() == "m: no reply to slow within 30 s");
}

TEST_CASE("a failed transport closes with its own error") {
  Dialogue d;
  d.session.transport_failed({ErrorKind::io, "cannot connect: no"});
  CHECK(d.why() == "m: cannot connect: no");
}

TEST_CASE("after the end nothing happens any more") {
  Dialogue d;
  d.make_ready();
  d.session.peer_closed();
  d.log.clear();
  d.lines.clear();
  d.hear(event("STOP"));
  d.session.peer_closed();
  d.session.transport_failed({ErrorKind::io, "x"});
  d.clock.advance(1h);
  d.session.tick();
  d.execute("late");
  CHECK(d.log == Log{"late m: the monitor closed the connection"});
  CHECK(d.lines.empty());
}
