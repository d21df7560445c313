#include "tools/recording_run.h"

#include "tools/call_and_wait.h"
#include "tools/metrics/exposition.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/stat.h>

namespace migscope::tools {

using captures::End;
using captures::Outcome;
using qmp::Json;

namespace {

constexpr Nanos kTick = std::chrono::milliseconds(10);
// What a kill may cost of the monitors' dialogue.
constexpr Nanos kFlushBusy = std::chrono::milliseconds(250);
constexpr Nanos kKeys = std::chrono::milliseconds(50);
constexpr Nanos kFlushIdle = std::chrono::seconds(10);
constexpr Nanos kCancelTime = std::chrono::seconds(10);
constexpr Nanos kDrainTime = std::chrono::seconds(5);

} // namespace

Result<std::unique_ptr<RecordingRun>>
RecordingRun::create(EventLoop& loop, Clock& clock, RecordingPlan plan) {
  plan.recorder.has_destination = plan.destination.has_value();
  std::unique_ptr<RecordingRun> run(
      new RecordingRun(loop, clock, std::move(plan)));
  if (auto serving = run->serve_metrics(); !serving)
    return fail(serving.error());
  if (auto opened = run->open_trace(); !opened)
    return fail(opened.error());
  if (auto created = run->create_files(); !created)
    return fail(created.error());
  return run;
}

RecordingRun::RecordingRun(EventLoop& loop, Clock& clock, RecordingPlan plan)
    : loop_(loop), clock_(clock), plan_(std::move(plan)),
      progress_(plan_.session.filename().string(), plan_.interrupt),
      threads_(plan_.session / "threads.jsonl.zst",
               [this](const std::string& text) { progress_.notice(text); }) {}

RecordingRun::~RecordingRun() = default;

Status RecordingRun::serve_metrics() {
  if (!plan_.metrics)
    return {};
  auto server = MetricsServer::listen(
      loop_, *plan_.metrics, [this] { return exposition(progress_.model()); });
  if (!server)
    return fail(server.error());
  metrics_ = *std::move(server);
  return {};
}

Status RecordingRun::open_trace() {
  auto trace = TraceRun::open(
      loop_, clock_, plan_.trace,
      [this](End end, std::string_view command, const Json& args,
             qmp::Session::ReplyHandler on_reply) {
        connection(end).session().execute(command, args, std::move(on_reply));
      },
      [this](const std::string& text) { progress_.notice(text); });
  if (!trace)
    return fail(trace.error());
  trace_ = *std::move(trace);
  return {};
}

Status RecordingRun::create_files() {
  if (mkdir(plan_.session.c_str(), 0700) != 0)
    return fail_errno("create " + plan_.session.string(), errno);
  manifest_.tool_version = MIGSCOPE_VERSION;
  manifest_.options = plan_.options;
  manifest_.started = clock_.now();
  if (auto saved = save_manifest(); !saved)
    return saved;
  auto log =
      captures::MonitorLogWriter::create(plan_.session / "monitor.jsonl.zst");
  if (!log)
    return fail(log.error());
  log_ = std::move(*log);
  trace_->store_in(plan_.session);
  return {};
}

Status RecordingRun::attach() {
  captures::Recorder::Actions actions;
  actions.execute = [this](End end, std::string_view command, const Json& args,
                           qmp::Session::ReplyHandler on_reply) {
    connection(end).session().execute(command, args, std::move(on_reply));
  };
  actions.notice = [this](const std::string& text) { progress_.notice(text); };
  actions.attached = [this] { attached_ = true; };
  recorder_ =
      std::make_unique<captures::Recorder>(plan_.recorder, std::move(actions));
  connect(End::source, plan_.source);
  if (plan_.destination)
    connect(End::destination, *plan_.destination);
  sampling_ = loop_.every(kTick, [this] { tick(); });
  flushing_ = loop_.every(kFlushBusy, [this] {
    flush_log();
    progress_.show();
  });
  progress_.begin();
  listening_ = loop_.every(kKeys, [this] { progress_.listen(); });
  auto waited =
      loop_.run_until([this] { return attached_ || lost_.has_value(); });
  if (!waited)
    return waited;
  if (lost_)
    return fail(*lost_);
  if (auto on = turn_trace_on(); !on)
    return on;
  if (auto probing = start_probe(); !probing)
    return probing;
  return save_manifest();
}

Status RecordingRun::turn_trace_on() {
  constexpr std::array kEnds{End::source, End::destination};
  return trace_->turn_on(std::span(kEnds).first(plan_.destination ? 2 : 1));
}

Status RecordingRun::start_probe() {
  if (!plan_.probe)
    return {};
  auto probe = ProbeRun::start(
      loop_, clock_, *plan_.probe, plan_.session / "probes.jsonl.zst",
      [this](const std::string& text) { notice(text); });
  if (!probe)
    return fail(probe.error());
  probe_ = *std::move(probe);
  return {};
}

void RecordingRun::watch_service() {
  if (probe_)
    probe_->watch();
}

void RecordingRun::end_probe() {
  if (auto probe = std::exchange(probe_, nullptr))
    probed_ = probe->finish();
}

void RecordingRun::connect(End end, const Address& address) {
  qmp::Session::Output output;
  output.line = [this, end](qmp::Direction direction, std::string_view line,
                            ClockReading time) {
    store(end, direction, line, time);
  };
  output.event = [this, end](const qmp::Event& event, ClockReading time) {
    recorder_->event(end, event, time);
  };
  output.ready = [this, end](const qmp::Version& version) {
    if (auto pid = connection(end).peer_pid())
      threads_.watch(end, *pid);
    recorder_->ready(end, version, clock_.now());
  };
  output.closed = [this, end](const Error& error) {
    if (!lost_)
      lost_ = error;
    trace_->closed(end);
    recorder_->closed(end, error, clock_.now());
  };
  connections_[static_cast<size_t>(end)] = std::make_unique<qmp::Connection>(
      loop_.uv(), address, clock_, std::move(output));
}

void RecordingRun::tick() {
  ClockReading now = clock_.now();
  recorder_->tick(now);
  if (!recorder_->busy() || now.mono - last_threads_ < plan_.recorder.interval)
    return;
  last_threads_ = now.mono;
  threads_.sample(now.mono);
}

void RecordingRun::store(End end, qmp::Direction direction,
                         std::string_view text, ClockReading time) {
  captures::MonitorLine line{time, end, direction, std::string(text)};
  progress_.add(line);
  if (store_failure_)
    return;
  auto stored = log_->append(line);
  if (!stored)
    cannot_store(stored.error());
}

// The migration is worth more than its recording: it is followed all the same.
void RecordingRun::cannot_store(const Error& error) {
  if (!std::exchange(store_failure_, error))
    progress_.notice("the recording ends here: " + describe(error));
}

void RecordingRun::flush_log() {
  MonoTime time = clock_.now().mono;
  if (!recorder_->busy() && time - last_flush_ < kFlushIdle)
    return;
  last_flush_ = time;
  threads_.flush();
  if (store_failure_)
    return;
  if (auto flushed = log_->flush(); !flushed)
    cannot_store(flushed.error());
}

Result<Json> RecordingRun::call(End end, std::string_view command,
                                const Json& arguments) {
  return call_and_wait(loop_, connection(end).session(), command, arguments);
}

Status RecordingRun::start_tee(const Address& listen, const Address& connect) {
  captures::Tee::Events events;
  events.problem = [this](const Error& error) {
    progress_.notice("tee: " + describe(error));
  };
  auto tee = captures::Tee::listen(loop_.uv(), listen, connect, plan_.session,
                                   clock_, std::move(events));
  if (!tee)
    return fail(tee.error());
  tee_ = std::move(*tee);
  return {};
}

const Address& RecordingRun::tee_address() const {
  return tee_->address();
}

Outcome RecordingRun::follow(std::optional<Nanos> limit) {
  Status waited = wait_for_outcome(limit);
  if (!waited && waited.error().kind == ErrorKind::timeout)
    return cancel_migration(true);
  if (!waited)
    recorder_->interrupt();
  return *recorder_->outcome();
}

Outcome RecordingRun::follow_or_cancel(std::optional<Nanos> limit) {
  Status waited = wait_for_outcome(limit);
  if (waited)
    return *recorder_->outcome();
  return cancel_migration(waited.error().kind == ErrorKind::timeout);
}

Outcome RecordingRun::cancel_migration(bool late) {
  loop_.forgive_interrupt();
  bool ended = cancel();
  if (ended && recorder_->outcome()->kind == Outcome::Kind::completed)
    return *recorder_->outcome();
  if (late)
    return {Outcome::Kind::cancelled, "it did not end within its time"};
  return {Outcome::Kind::interrupted,
          ended ? "the migration was cancelled" : ""};
}

bool RecordingRun::wait_for_pass(uint64_t passes, std::optional<Nanos> limit) {
  // QEMU tells of pass N as it begins.
  auto reached = [&] { return passes == 0 || recorder_->last_pass() > passes; };
  Status waited = loop_.run_until(
      [&] { return recorder_->outcome().has_value() || reached(); }, limit, "");
  return waited && !recorder_->outcome();
}

bool RecordingRun::cancel() {
  connection(End::source)
      .session()
      .execute("migrate_cancel", {}, [](const Result<Json>&) {});
  return loop_
      .run_until([this] { return recorder_->outcome().has_value(); },
                 kCancelTime, "")
      .has_value();
}

Status RecordingRun::wait_for_outcome(std::optional<Nanos> limit) {
  auto waited = loop_.run_until(
      [this] { return recorder_->outcome().has_value(); }, limit, "");
  // What the stream still carries belongs to the recording.
  if (waited && tee_ && recorder_->outcome()->kind == Outcome::Kind::completed)
    (void)loop_.run_until([this] { return tee_->open_connections() == 0; },
                          kDrainTime, "");
  if (waited)
    trace_->drain();
  if (waited)
    watch_service();
  return waited;
}

captures::EndInfo RecordingRun::end_info(End end) const {
  captures::EndInfo info;
  if (recorder_)
    info = recorder_->info(end);
  const Address& address =
      end == End::source ? plan_.source : *plan_.destination;
  info.address = to_string(address);
  info.local = is_local(address);
  return info;
}

Status RecordingRun::save_manifest() {
  manifest_.source = end_info(End::source);
  if (plan_.destination)
    manifest_.destination = end_info(End::destination);
  if (tee_)
    manifest_.channels = tee_->channels();
  return captures::write_manifest(plan_.session, manifest_);
}

Status RecordingRun::finish(const Outcome& outcome) {
  end_trace();
  if (tee_)
    tee_->close();
  end_probe();
  sampling_.reset();
  flushing_.reset();
  listening_.reset();
  progress_.end();
  threads_.flush();
  manifest_.ended = clock_.now();
  manifest_.outcome = captures::to_string(outcome.kind);
  manifest_.outcome_detail = outcome.detail;
  Status saved = save_manifest();
  Status closed = log_->close();
  if (store_failure_)
    return fail(*store_failure_);
  if (!probed_)
    return probed_;
  return closed ? saved : closed;
}

bool RecordingRun::stored_all() const {
  return trace_->stored_all() &&
         std::none_of(manifest_.channels.begin(), manifest_.channels.end(),
                      [](const captures::ChannelInfo& c) {
                        return c.store_error.has_value();
                      });
}

} // namespace migscope::tools
