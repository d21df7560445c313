// Two monitors and the owner of a recorder, played by a test.
#pragma once

#include "captures/recorder.h"
#include "tests/support/fake_clock.h"

#include <algorithm>
#include <doctest/doctest.h>

namespace migscope::testing {

using namespace captures;
using qmp::Json;
using std::chrono::milliseconds;
using Kind = Outcome::Kind;

struct Question {
  End end;
  std::string command;
  Json arguments;
  qmp::Session::ReplyHandler on_reply;
};

inline Json json(const char* text) {
  return *Json::parse(text);
}

inline Json status(const char* word) {
  return Json::object().set("status", word);
}

inline Json capabilities(bool events) {
  return Json::array().add(
      Json::object().set("capability", "events").set("state", events));
}

inline Error gone() {
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

inline RecorderOptions both_ends() {
  RecorderOptions options;
  options.has_destination = true;
  return options;
}

inline const Json kDone = json(R"({"status":"completed","total-time":700,
    "downtime":21,"ram":{"transferred":1000}})");

} // namespace migscope::testing
