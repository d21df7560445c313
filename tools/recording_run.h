// A recording in progress: monitors, recorder, stored lines, tee and manifest
// put together. record, migrate and lab are sequences of its steps.
#pragma once

#include "base/address.h"
#include "captures/recorder.h"
#include "captures/tee.h"
#include "captures/thread_watch.h"
#include "qmp/connection.h"
#include "tools/event_loop.h"
#include "tools/live/live_progress.h"
#include "tools/metrics/metrics_server.h"
#include "tools/probe_run.h"
#include "tools/trace_run.h"

namespace migscope::tools {

struct RecordingPlan {
  std::filesystem::path session;
  Address source;
  std::optional<Address> destination;
  captures::RecorderOptions recorder; // has_destination is set from above
  TracePlan trace;
  std::optional<captures::ProbePlan> probe;
  std::optional<Address> metrics; // where Prometheus may scrape
  // What Ctrl-C does, for who looks on.
  std::string interrupt = "cancels the migration";
  qmp::Json options; // for session.json
};

class RecordingRun {
public:
  // Creates the session directory, which must not exist.
  [[nodiscard]] static Result<std::unique_ptr<RecordingRun>>
  create(EventLoop& loop, Clock& clock, RecordingPlan plan);
  ~RecordingRun();

  // Connects to the monitors, asks what there is to know about them, and turns
  // on their trace where that was planned.
  [[nodiscard]] Status attach();
  // Before a migration begins: the probe sees what is usual. Nothing without a
  // probe.
  void watch_service();
  // One command, waited for. A QMP error is kind refused.
  [[nodiscard]] Result<qmp::Json> call(captures::End end,
                                       std::string_view command,
                                       const qmp::Json& arguments = {});
  // From now on the migration passes through a tee listening at `listen`.
  [[nodiscard]] Status start_tee(const Address& listen, const Address& connect);
  // Where the tee listens.
  [[nodiscard]] const Address& tee_address() const;

  // Tells the user something that is no progress.
  void notice(const std::string& text) { progress_.notice(text); }
  // Until the migration has ended, the source is gone, or an interruption,
  // which becomes the outcome. The end of `limit` cancels the migration, which
  // is told as cancelled unless it completed after all.
  captures::Outcome follow(std::optional<Nanos> limit = {});
  // The same; an interruption cancels the migration, too, so that nothing is
  // left half done.
  captures::Outcome follow_or_cancel(std::optional<Nanos> limit = {});
  // Until `passes` whole passes over memory are done. False where the migration
  // has ended before, the source is gone, somebody interrupted, or `limit` is
  // over.
  [[nodiscard]] bool wait_for_pass(uint64_t passes, std::optional<Nanos> limit);
  [[nodiscard]] MonoTime now() { return clock_.now().mono; }

  // The monitors' trace is as it was before; see TraceRun::finish(). For a run
  // that is given up; finish() does it, too.
  void end_trace() { trace_->finish(); }
  // Asks the guest no more. Before it is ended; finish() does it, too.
  void end_probe();
  // Somebody has been looking at the live view.
  [[nodiscard]] bool was_viewed() const { return progress_.was_viewed(); }
  // Ends trace, tee and the live view, stores the rest, writes the manifest.
  [[nodiscard]] Status finish(const captures::Outcome& outcome);
  // Some of the stream is in the recording.
  [[nodiscard]] bool captured() const { return !manifest_.channels.empty(); }
  // After finish(): the whole stream that passed is in the recording, and all
  // that came from QEMU's logs.
  [[nodiscard]] bool stored_all() const;

private:
  RecordingRun(EventLoop& loop, Clock& clock, RecordingPlan plan);

  [[nodiscard]] Status serve_metrics();
  [[nodiscard]] Status open_trace();
  [[nodiscard]] Status create_files();
  [[nodiscard]] Status turn_trace_on();
  [[nodiscard]] Status start_probe();
  // `late`: its time is over; else somebody interrupted.
  captures::Outcome cancel_migration(bool late);
  [[nodiscard]] Status wait_for_outcome(std::optional<Nanos> limit = {});
  [[nodiscard]] bool cancel();
  void connect(captures::End end, const Address& address);
  void store(captures::End end, qmp::Direction direction, std::string_view line,
             ClockReading time);
  void tick();
  void flush_log();
  void cannot_store(const Error& error);
  [[nodiscard]] captures::EndInfo end_info(captures::End end) const;
  [[nodiscard]] Status save_manifest();
  [[nodiscard]] qmp::Connection& connection(captures::End end) {
    return *connections_[static_cast<size_t>(end)];
  }

  EventLoop& loop_;
  Clock& clock_;
  RecordingPlan plan_;
  captures::Manifest manifest_;
  LiveProgress progress_;
  std::unique_ptr<MetricsServer> metrics_;
  std::unique_ptr<captures::MonitorLogWriter> log_;
  captures::ThreadWatch threads_;
  std::unique_ptr<captures::Recorder> recorder_;
  std::unique_ptr<TraceRun> trace_;
  std::unique_ptr<qmp::Connection> connections_[2];
  std::unique_ptr<captures::Tee> tee_;
  std::unique_ptr<ProbeRun> probe_;
  Status probed_; // what came of it
  std::unique_ptr<EventLoop::Timer> sampling_, flushing_, listening_;
  std::optional<Error> lost_; // the first connection that closed
  std::optional<Error> store_failure_;
  MonoTime last_flush_, last_threads_;
  bool attached_ = false;
};

} // namespace migscope::tools
