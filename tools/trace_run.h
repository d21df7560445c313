// QEMU's own trace in a recording: turns events on at both ends, stores the
// logs that they go to, and leaves the QEMUs as they were.
#pragma once

#include "captures/log_follower.h"
#include "captures/trace/trace_control.h"
#include "tools/event_loop.h"

namespace migscope::tools {

struct TracePlan {
  bool turn_on = false; // else the logs are stored as they come
  // Where the QEMUs write: their standard error or the file of -D.
  std::optional<std::filesystem::path> source_log, destination_log;
};

class TraceRun {
public:
  using Execute =
      std::function<void(captures::End, std::string_view command,
                         const qmp::Json& args, qmp::Session::ReplyHandler)>;
  using Notice = std::function<void(std::string)>;

  // Opens the logs, which must be there.
  [[nodiscard]] static Result<std::unique_ptr<TraceRun>>
  open(EventLoop& loop, Clock& clock, const TracePlan& plan, Execute execute,
       Notice notice);

  // Stores the logs in the session's directory from now on.
  void store_in(const std::filesystem::path& session);
  // The monitors of `ends` answer: turns the events on there and waits.
  [[nodiscard]] Status turn_on(std::span<const captures::End> ends);
  void closed(captures::End end);

  // After the migration: what is on its way to the logs belongs to it.
  void drain();
  // Turns off what was turned on and ends the logs; an interruption does not
  // prevent it, a further one does. Once; later calls do nothing.
  void finish();
  // After finish(): all that came from the logs is in the recording.
  [[nodiscard]] bool stored_all() const;

private:
  TraceRun(EventLoop& loop, Clock& clock, Notice notice)
      : loop_(loop), clock_(clock), notice_(std::move(notice)) {}

  [[nodiscard]] Status open_log(captures::End end,
                                const std::filesystem::path& log);
  [[nodiscard]] bool has_logs() const { return logs_[0] || logs_[1]; }
  void restore();
  void poll();

  EventLoop& loop_;
  Clock& clock_;
  Notice notice_;
  std::unique_ptr<captures::LogFollower> logs_[2];        // by end
  std::unique_ptr<captures::trace::Control> controls_[2]; // by end
  std::unique_ptr<EventLoop::Timer> polling_;
  bool finished_ = false;
};

} // namespace migscope::tools
