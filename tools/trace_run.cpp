#include "tools/trace_run.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using captures::End;
using captures::LogFollower;
using captures::trace::Control;

namespace {

// What an arrival can be late by, where the lines have no times of their own.
constexpr Nanos kPoll = std::chrono::milliseconds(2);
constexpr Nanos kDrainTime = std::chrono::milliseconds(200);
constexpr Nanos kRestoreTime = std::chrono::seconds(5);

size_t index(End end) {
  return static_cast<size_t>(end);
}

} // namespace

Result<std::unique_ptr<TraceRun>> TraceRun::open(EventLoop& loop, Clock& clock,
                                                 const TracePlan& plan,
                                                 Execute execute,
                                                 Notice notice) {
  std::unique_ptr<TraceRun> run(new TraceRun(loop, clock, std::move(notice)));
  for (auto [end, log] : {std::pair(End::source, &plan.source_log),
                          std::pair(End::destination, &plan.destination_log)})
    if (*log)
      if (auto opened = run->open_log(end, **log); !opened)
        return fail(opened.error());
  if (!plan.turn_on)
    return run;
  for (End end : {End::source, End::destination})
    run->controls_[index(end)] = std::make_unique<Control>(
        end, Control::Actions{
                 [execute, end](auto command, const auto& args, auto on_reply) {
                   execute(end, command, args, std::move(on_reply));
                 },
                 run->notice_});
  return run;
}

Status TraceRun::open_log(End end, const std::filesystem::path& log) {
  auto follower = LogFollower::open(log, notice_);
  if (!follower)
    return fail(follower.error());
  logs_[index(end)] = *std::move(follower);
  return {};
}

void TraceRun::store_in(const std::filesystem::path& session) {
  for (End end : {End::source, End::destination})
    if (auto& log = logs_[index(end)])
      log->start(session / fmt::format("qemu-{}.log.zst", to_string(end)));
  if (has_logs())
    polling_ = loop_.every(kPoll, [this] { poll(); });
}

Status TraceRun::turn_on(std::span<const End> ends) {
  for (End end : ends)
    if (Control* control = controls_[index(end)].get()) {
      if (!logs_[index(end)])
        notice_(fmt::format("no log of the {0} is recorded: its trace goes to "
                            "QEMU's standard error or -D file (--{0}-log FILE "
                            "records that)",
                            to_string(end)));
      control->turn_on();
    }
  return loop_.run_until([&] {
    return std::all_of(ends.begin(), ends.end(), [this](End end) {
      const auto& control = controls_[index(end)];
      return !control || control->settled();
    });
  });
}

void TraceRun::closed(End end) {
  if (auto& control = controls_[index(end)])
    control->give_up("its monitor is gone");
}

void TraceRun::drain() {
  if (has_logs())
    (void)loop_.run_until([] { return false; }, kDrainTime, "");
}

void TraceRun::finish() {
  if (std::exchange(finished_, true))
    return;
  restore();
  poll();
  polling_.reset();
  for (auto& log : logs_)
    if (log) {
      log->close();
      if (auto failure = log->failure())
        notice_("a QEMU's log is not stored whole: " + describe(*failure));
    }
}

void TraceRun::restore() {
  loop_.forgive_interrupt();
  for (auto& control : controls_)
    if (control)
      control->restore();
  (void)loop_.run_until(
      [this] {
        return std::all_of(
            std::begin(controls_), std::end(controls_),
            [](const auto& control) { return !control || control->done(); });
      },
      kRestoreTime, "");
  for (auto& control : controls_)
    if (control)
      control->give_up("it did not answer in time");
}

void TraceRun::poll() {
  MonoTime now = clock_.now().mono;
  for (auto& log : logs_)
    if (log)
      log->poll(now);
}

bool TraceRun::stored_all() const {
  return std::none_of(std::begin(logs_), std::end(logs_),
                      [](const auto& log) { return log && log->failure(); });
}

} // namespace migscope::tools
