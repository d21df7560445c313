// A session whose peer is the test itself.
#pragma once

#include "qmp/session.h"
#include "tests/support/fake_clock.h"

#include <doctest/doctest.h>

namespace migscope::qmp::testing {

inline constexpr std::string_view kHello =
    R"({"QMP": {"version": {"qemu": {"micro": 0, "minor": 1, "major": 11},)"
    R"( "package": "x"}, "capabilities": []}})"
    "\r\n";

inline std::string event(std::string_view name) {
  return "{\"timestamp\": {\"seconds\": 5, \"microseconds\": 6}, "
         "\"event\": \"" +
         std::string(name) + "\"}\r\n";
}

inline std::string reply(int id, std::string_view value = "{}") {
  return "{\"return\": " + std::string(value) +
         ", \"id\": " + std::to_string(id) + "}\r\n";
}

// A session whose every output is written down in one log.
struct Dialogue {
  migscope::testing::FakeClock clock;
  std::vector<std::string> log;
  std::vector<std::string> lines;
  std::optional<Error> error;
  Session session;

  Dialogue() : session("m", clock, output()) {}

  Session::Output output() {
    return {
        [this](std::string_view bytes) {
          log.push_back("> " + std::string(bytes.substr(0, bytes.size() - 1)));
          CHECK(bytes.ends_with('\n'));
        },
        [this](Direction direction, std::string_view line, ClockReading) {
          lines.push_back((direction == Direction::sent ? "> " : "< ") +
                          std::string(line));
        },
        [this](const Event& seen, ClockReading) {
          log.push_back("event " + seen.name);
        },
        [this](const Version& version) {
          log.push_back("ready " + to_string(version));
        },
        [this](const Error& why) {
          CHECK_FALSE(error);
          error = why;
          log.push_back("closed");
        },
    };
  }

  void hear(std::string_view text) {
    session.receive(std::as_bytes(std::span(text)));
  }
  Session::ReplyHandler note(const std::string& name) {
    return [this, name](const Result<Json>& result) {
      log.push_back(name + " " +
                    (result ? result->dump() : describe(result.error())));
    };
  }
  void execute(const std::string& name) {
    session.execute(name, Json(), note(name));
  }
  // Past negotiation, with an empty log; the next command has id 2.
  void make_ready() {
    hear(kHello);
    hear(reply(1));
    REQUIRE(session.ready());
    log.clear();
    lines.clear();
  }
  std::string why() const {
    REQUIRE(error);
    return describe(*error);
  }
  ErrorKind kind() const {
    REQUIRE(error);
    return error->kind;
  }
};

using Log = std::vector<std::string>;

} // namespace migscope::qmp::testing
