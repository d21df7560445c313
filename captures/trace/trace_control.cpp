#include "captures/trace/trace_control.h"

#include "captures/trace/trace_event.h"

#include <fmt/format.h>

namespace migscope::captures::trace {
namespace {

using qmp::Json;

// "enabled", "disabled" or "unavailable"; empty where the reply is none.
std::string state_of(const Json& reply, std::string_view name) {
  for (const Json& event : reply.elements())
    if (event.get("name").as_string() == name)
      return event.get("state").as_string().value_or("");
  return "";
}

Json switch_to(std::string_view name, bool on) {
  return Json::object().set("name", name).set("enable", on);
}

} // namespace

Control::Control(End end, Actions actions)
    : end_(end), actions_(std::move(actions)) {}

void Control::turn_on() {
  if (state_ != State::idle)
    return;
  state_ = State::turning_on;
  step();
}

void Control::restore() {
  if (state_ == State::done || state_ == State::restoring)
    return;
  state_ = State::restoring;
  step();
}

void Control::give_up(std::string_view why) {
  if (std::exchange(state_, State::done) == State::done || turned_on_.empty())
    return;
  actions_.notice(fmt::format(
      "{} trace events stay turned on at the {}, if it still runs: {}",
      turned_on_.size(), to_string(end_), why));
}

void Control::ask(std::string_view command, const Json& args,
                  std::function<void(Result<Json>)> on_reply) {
  asking_ = true;
  actions_.execute(command, args,
                   [this, on_reply = std::move(on_reply)](Result<Json> reply) {
                     asking_ = false;
                     // Not QEMU's own answer: there will be no other.
                     if (!reply && reply.error().kind != ErrorKind::refused)
                       return give_up("its monitor is gone");
                     on_reply(std::move(reply));
                     step();
                   });
}

void Control::step() {
  if (asking_)
    return;
  if (state_ == State::turning_on) {
    if (has_commands_ && next_ < event_names().size())
      return ask_next();
    state_ = State::on;
    tell_what_is_on();
  } else if (state_ == State::restoring) {
    if (!turned_on_.empty())
      return turn_off_last();
    state_ = State::done;
  }
}

void Control::ask_next() {
  std::string_view name = event_names()[next_++];
  ask("trace-event-get-state", Json::object().set("name", name),
      [this, name](const Result<Json>& reply) { take_state(name, reply); });
}

void Control::take_state(std::string_view name, const Result<Json>& reply) {
  if (!reply) {
    // Of an event that it does not know QEMU says GenericError.
    has_commands_ = !reply.error().message.starts_with("CommandNotFound");
    return;
  }
  std::string state = state_of(*reply, name);
  if (state == "enabled")
    ++found_on_;
  else if (state == "disabled" && state_ == State::turning_on)
    turn_on(name);
}

// Noted before the answer: should that not come, the event may be on.
void Control::turn_on(std::string_view name) {
  turned_on_.push_back(name);
  ask("trace-event-set-state", switch_to(name, true),
      [this, name](const Result<Json>& reply) {
        if (reply)
          return;
        std::erase(turned_on_, name);
        refused(fmt::format("turn on trace event {}", name), reply.error());
      });
}

void Control::turn_off_last() {
  std::string_view name = turned_on_.back();
  ask("trace-event-set-state", switch_to(name, false),
      [this, name](const Result<Json>& reply) {
        std::erase(turned_on_, name);
        if (!reply)
          refused(fmt::format("turn off trace event {}", name), reply.error());
      });
}

void Control::tell_what_is_on() {
  if (!turned_on_.empty())
    actions_.notice(
        fmt::format("turned on {} trace events of the {}, until the end",
                    turned_on_.size(), to_string(end_)));
  else if (!has_commands_)
    actions_.notice(fmt::format("the {}'s QEMU has no commands for trace "
                                "events: there is no trace of it",
                                to_string(end_)));
  else if (found_on_ == 0)
    actions_.notice(fmt::format("the {}'s QEMU has no trace events that can be "
                                "turned on: it was built without the `log` "
                                "trace backend",
                                to_string(end_)));
}

void Control::refused(const std::string& what, const Error& error) {
  actions_.notice(fmt::format("could not {} of the {}: {}", what,
                              to_string(end_), error.message));
}

} // namespace migscope::captures::trace
