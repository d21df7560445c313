// Turns on the trace events of one QEMU, and off again those that it turned on.
//
// No I/O of its own: the owner carries out what Actions asks. One question at a
// time; a name that this QEMU does not have is passed over.
//
//   idle -> turning on -> on -> restoring -> done
//
// Whatever goes wrong is told as a notice: the migration is worth more than
// its trace.
#pragma once

#include "captures/session/monitor_log.h"

namespace migscope::captures::trace {

class Control {
public:
  struct Actions {
    std::function<void(std::string_view command, const qmp::Json& args,
                       qmp::Session::ReplyHandler)>
        execute;
    // Something the user should know; one sentence.
    std::function<void(std::string)> notice;
  };

  Control(End end, Actions actions);

  void turn_on();
  // At any time; also while events are still being turned on.
  void restore();
  // Nothing can be asked any more, for a reason such as "its monitor is gone";
  // what is on then is told.
  void give_up(std::string_view why);

  // Nothing more will be turned on.
  [[nodiscard]] bool settled() const {
    return state_ != State::idle && state_ != State::turning_on;
  }
  // Nothing more will be asked.
  [[nodiscard]] bool done() const { return state_ == State::done; }

private:
  enum class State { idle, turning_on, on, restoring, done };

  void ask(std::string_view command, const qmp::Json& args,
           std::function<void(Result<qmp::Json>)> on_reply);
  void step();
  void ask_next();
  void take_state(std::string_view name, const Result<qmp::Json>& reply);
  void turn_on(std::string_view name);
  void turn_off_last();
  void tell_what_is_on();
  void refused(const std::string& what, const Error& error);

  End end_;
  Actions actions_;
  State state_ = State::idle;
  bool asking_ = false; // one question is not answered yet
  size_t next_ = 0;     // in event_names()
  size_t found_on_ = 0; // were on before
  bool has_commands_ = true;
  std::vector<std::string_view> turned_on_;
};

} // namespace migscope::captures::trace
