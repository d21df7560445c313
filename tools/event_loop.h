// The one place that waits. Verbs are written as sequences of steps; each step
// that needs the world runs the loop until its condition holds.
#pragma once

#include "base/clock.h"
#include "base/error.h"

#include <functional>
#include <memory>

struct uv_loop_s;
struct uv_signal_s;

namespace migscope::tools {

class EventLoop {
public:
  EventLoop();
  ~EventLoop(); // closes what is left; everything that uses uv() is gone
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] uv_loop_s* uv();

  // Runs until `done` holds; it is asked after every event. Fails with kind
  // interrupted as soon as SIGINT, SIGTERM or SIGHUP has come.
  [[nodiscard]] Status run_until(const std::function<bool()>& done);
  // The same, and fails with kind timeout, naming `what`, after `limit`, where
  // there is one.
  [[nodiscard]] Status run_until(const std::function<bool()>& done,
                                 std::optional<Nanos> limit,
                                 const std::string& what);

  [[nodiscard]] bool interrupted() const { return interrupts_ > 0; }
  // Lets run_until go on after an interruption; a further signal counts again.
  void forgive_interrupt() { interrupts_ = 0; }

  class Timer {
  public:
    virtual ~Timer() = default; // stops it
  };
  [[nodiscard]] std::unique_ptr<Timer> every(Nanos interval,
                                             std::function<void()> call);

private:
  struct Signals;

  std::unique_ptr<uv_loop_s> loop_;
  std::unique_ptr<Signals> signals_;
  int interrupts_ = 0;
};

} // namespace migscope::tools
