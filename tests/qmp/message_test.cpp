#include "qmp/message.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::qmp;

namespace {

template <typename T>
T parsed(std::string_view line) {
  auto message = parse_message(line);
  REQUIRE_MESSAGE(message.has_value(), line);
  REQUIRE_MESSAGE(std::holds_alternative<T>(*message), line);
  return std::get<T>(*message);
}

std::string refusal(std::string_view line) {
  auto message = parse_message(line);
  REQUIRE_MESSAGE(!message.has_value(), line);
  CHECK(message.error().kind == ErrorKind::protocol);
  return message.error().message;
}

} // namespace

TEST_CASE("the greeting names the version") {
  auto greeting = parsed<Greeting>(
      R"({"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7},)"
      R"( "package": "Debian 1:7.2+dfsg-7"}, "capabilities": ["oob"]}})");
  CHECK(to_string(greeting.version) == "7.2.22 (Debian 1:7.2+dfsg-7)");
  Version bare{11, 1, 0, ""};
  CHECK(to_string(bare) == "11.1.0");
}

TEST_CASE("replies carry the id and any value") {
  auto reply = parsed<Reply>(R"({"return": {"a": 1}, "id": 17})");
  CHECK(reply.id == 17);
  CHECK(reply.value.get("a").as_int() == 1);
  CHECK(parsed<Reply>(R"({"return":null,"id":18446744073709551615})").id ==
        UINT64_MAX);
  CHECK(parsed<Reply>(R"({"return":[],"id":0})").value.is_array());
}

TEST_CASE("errors carry class and text, and the id where QEMU knew it") {
  auto error = parsed<ErrorReply>(
      R"({"id": 3, "error": {"class": "CommandNotFound", "desc": "no"}})");
  CHECK(error.id == 3);
  CHECK(error.error_class == "CommandNotFound");
  CHECK(error.description == "no");
  CHECK_FALSE(
      parsed<ErrorReply>(R"({"error":{"class":"GenericError","desc":"x"}})")
          .id);
}

TEST_CASE("an event's data as libvirt's proxy quotes it") {
  const std::string head =
      R"({"event": "MIGRATION_PASS", "timestamp": {"seconds": 1,)"
      R"( "microseconds": 2}, "data": )";
  CHECK(parsed<Event>(head + R"("{\"pass\":3}"})").data.dump() ==
        R"({"pass":3})");
  CHECK(parsed<Event>(head + R"("{\"pass"})").data.as_string() == "{\"pass");
}

TEST_CASE("events carry the time of their host to the microsecond") {
  auto event = parsed<Event>(
      R"({"timestamp": {"seconds": 1700000000, "microseconds": 123456},)"
      R"( "event": "MIGRATION", "data": {"status": "setup"}})");
  CHECK(event.name == "MIGRATION");
  CHECK(event.timestamp.ns == 1'700'000'000'123'456'000);
  CHECK(event.data.get("status").as_string() == "setup");
  auto stop = parsed<Event>(R"({"timestamp":{"seconds":-1,"microseconds":-1},)"
                            R"("event":"STOP"})");
  CHECK(stop.timestamp.ns == 0);
  CHECK(stop.data.is_null());
}

TEST_CASE("a line that is none of the four kinds is refused") {
  for (const char* line : {
           "[]",
           "1",
           "null",
           "{}",
           "{\"id\":1}",
           "{",
           "\"QMP\"",
           R"({"QMP":1})",
           R"({"QMP":{"version":{}}})",
           R"({"QMP":{"version":{"qemu":{"major":-1,"minor":0,"micro":0}}}})",
           R"({"QMP":{"version":{"qemu":{"major":"7","minor":0,"micro":0}}}})",
           R"({"return":{}})",
           R"({"return":{},"id":"1"})",
           R"({"return":{},"id":-1})",
           R"({"return":{},"id":1.0})",
           R"({"error":"text","id":1})",
           R"({"error":{"class":"X"},"id":1})",
           R"({"error":{"class":1,"desc":"x"},"id":1})",
           R"({"error":{"class":"X","desc":"x"},"id":"1"})",
           R"({"event":"STOP"})",
           R"({"event":1,"timestamp":{"seconds":1,"microseconds":1}})",
           R"({"event":"A","timestamp":{"seconds":1,"microseconds":1000000}})",
           R"({"event":"A","timestamp":{"seconds":-2,"microseconds":0}})",
           R"({"event":"A","timestamp":{"seconds":1e9,"microseconds":0}})",
           R"({"event":"A","timestamp":)"
           R"({"seconds":9223372036854775807,"microseconds":0}})",
       })
    refusal(line);
}

TEST_CASE("the refusal quotes the start of the line, safe to print") {
  CHECK(refusal("{}") == "expected a greeting, a reply or an event, "
                         "found \"{}\"");
  std::string message = refusal("\x1b[2J\xff" + std::string(5000, 'x'));
  CHECK(message.find("\\x1b[2J\\xff") != message.npos);
  CHECK(message.size() < 200);
  CHECK(message.ends_with("x\"..."));
}

TEST_CASE("a version is read from the greeting's and query-version's form") {
  auto json =
      Json::parse(R"({"qemu":{"micro":0,"minor":1,"major":11},"package":7})");
  auto version = decode_version(*json);
  REQUIRE(version);
  CHECK(version->major == 11);
  CHECK(version->package.empty());
  CHECK_FALSE(decode_version(Json()));
}
