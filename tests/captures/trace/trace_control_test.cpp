#include "captures/trace/trace_control.h"

#include "captures/trace/trace_event.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <map>

using namespace migscope;
using namespace migscope::captures;
using qmp::Json;

namespace {

// A QEMU that answers at once, or, where `held`, when it is told to.
struct Monitor {
  std::map<std::string, std::string, std::less<>> events;
  std::map<std::string, std::string, std::less<>> refusals; // of set-state
  std::optional<Error> any;                                 // to everything
  bool held = false;
  std::function<void()> waiting;
  std::vector<std::string> changes, notices;
  trace::Control control{
      End::source,
      {[this](std::string_view command, const Json& args,
              qmp::Session::ReplyHandler on_reply) {
         auto answer = [=, this, command = std::string(command)] {
           on_reply(reply(command, args));
         };
         CHECK_FALSE(waiting);
         if (held)
           waiting = answer;
         else
           answer();
       },
       [this](std::string text) { notices.push_back(std::move(text)); }}};

  Monitor() {
    for (auto name : trace::event_names())
      events.emplace(name, "disabled");
  }
  Result<Json> reply(std::string_view command, const Json& args) {
    if (any)
      return fail(*any);
    std::string name = *args.get("name").as_string();
    auto it = events.find(name);
    if (it == events.end())
      return fail(ErrorKind::refused, "GenericError: unknown event");
    if (command == "trace-event-get-state")
      return Json::array().add(
          Json::object().set("name", name).set("state", it->second));
    CHECK(command == "trace-event-set-state");
    if (auto no = refusals.find(name); no != refusals.end())
      return fail(ErrorKind::refused, no->second);
    changes.push_back(name);
    it->second = *args.get("enable").as_bool() ? "enabled" : "disabled";
    return Json::object();
  }
  void answer_one() {
    REQUIRE(waiting);
    std::exchange(waiting, nullptr)();
  }
  [[nodiscard]] size_t on() const {
    return static_cast<size_t>(
        std::count_if(events.begin(), events.end(),
                      [](const auto& e) { return e.second == "enabled"; }));
  }
  [[nodiscard]] bool noticed(std::string_view text) const {
    return std::any_of(
        notices.begin(), notices.end(),
        [&](const std::string& n) { return n.find(text) != n.npos; });
  }
};

const size_t kAll = trace::event_names().size();

} // namespace

TEST_CASE("all events are turned on, and off again") {
  Monitor qemu;
  CHECK_FALSE(qemu.control.settled());
  qemu.control.turn_on();
  CHECK(qemu.on() == kAll);
  CHECK(qemu.control.settled());
  CHECK_FALSE(qemu.control.done());
  CHECK(qemu.noticed("turned on"));
  qemu.control.restore();
  CHECK(qemu.on() == 0);
  CHECK(qemu.control.done());
  CHECK(qemu.notices.size() == 1);
}

TEST_CASE("what was on, is unknown or unavailable is left alone") {
  Monitor qemu;
  qemu.events["runstate_set"] = "enabled";
  qemu.events["vmstate_downtime_save"] = "unavailable";
  qemu.events.erase("migrate_pending");
  qemu.events["ram_save_page"] = "disabled";
  qemu.control.turn_on();
  CHECK(qemu.on() == kAll - 2);
  qemu.control.restore();
  CHECK(qemu.on() == 1);
  CHECK(qemu.events["runstate_set"] == "enabled");
  CHECK(qemu.events["vmstate_downtime_save"] == "unavailable");
  CHECK(qemu.events["ram_save_page"] == "disabled");
  CHECK(qemu.changes.size() == 2 * (kAll - 3));
}

TEST_CASE("restoring in the middle turns off what is on by then") {
  Monitor qemu;
  qemu.held = true;
  qemu.control.turn_on();
  for (int i = 0; i < 4; ++i)
    qemu.answer_one(); // two events
  qemu.answer_one();   // the third's state; it is being turned on
  qemu.control.restore();
  CHECK(qemu.on() == 2);
  while (qemu.waiting)
    qemu.answer_one();
  CHECK(qemu.on() == 0);
  CHECK(qemu.changes.size() == 6);
  CHECK(qemu.control.done());
}

TEST_CASE("restoring while a state is asked turns nothing on any more") {
  Monitor qemu;
  qemu.held = true;
  qemu.control.turn_on();
  qemu.control.restore();
  qemu.answer_one();
  CHECK(qemu.control.done());
  CHECK(qemu.changes.empty());
  CHECK(qemu.notices.empty());
}

TEST_CASE("restoring before anything was asked is done at once") {
  Monitor qemu;
  qemu.control.restore();
  CHECK(qemu.control.done());
  qemu.control.turn_on();
  CHECK(qemu.changes.empty());
}

TEST_CASE("a refusal is told and the rest goes on") {
  Monitor qemu;
  qemu.refusals["runstate_set"] = "GenericError: no";
  qemu.control.turn_on();
  CHECK(qemu.on() == kAll - 1);
  CHECK(qemu.noticed("turn on trace event runstate_set of the source: "
                     "GenericError: no"));
  qemu.refusals["vm_stop_flush_all"] = "GenericError: stuck";
  qemu.control.restore();
  CHECK(qemu.on() == 1);
  CHECK(qemu.control.done());
  CHECK(qemu.noticed("turn off trace event vm_stop_flush_all"));
}

TEST_CASE("a QEMU without these commands is asked once") {
  Monitor qemu;
  qemu.any = Error{ErrorKind::refused, "CommandNotFound: not found"};
  qemu.control.turn_on();
  CHECK(qemu.control.settled());
  CHECK(qemu.notices.size() == 1);
  CHECK(qemu.noticed("no commands for trace events"));
  qemu.control.restore();
  CHECK(qemu.control.done());
}

TEST_CASE("a QEMU without a trace backend") {
  Monitor qemu;
  for (auto& [name, state] : qemu.events)
    state = "unavailable";
  qemu.control.turn_on();
  CHECK(qemu.control.settled());
  CHECK(qemu.noticed("without the `log` trace backend"));
  CHECK(qemu.changes.empty());
}

TEST_CASE("a monitor that is lost leaves its events on, and that is told") {
  Monitor qemu;
  qemu.control.turn_on();
  qemu.control.give_up("its monitor is gone");
  CHECK(qemu.control.done());
  CHECK(qemu.noticed("stay turned on at the source"));
  qemu.control.restore();
  qemu.control.give_up("its monitor is gone");
  CHECK(qemu.on() == kAll);
  CHECK(qemu.notices.size() == 2);
}

TEST_CASE("a monitor that is lost in the middle") {
  Monitor qemu;
  qemu.held = true;
  qemu.control.turn_on();
  qemu.answer_one();
  qemu.any = Error{ErrorKind::io, "the peer closed the connection"};
  qemu.answer_one();
  CHECK(qemu.control.settled());
  CHECK(qemu.control.done());
  CHECK_FALSE(qemu.waiting);
  CHECK(qemu.noticed("1 trace events stay turned on"));
}
