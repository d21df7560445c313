#include "tools/recording_run.h"
#include "tools/verbs/options.h"
#include "tools/verbs/outcome.h"
#include "tools/verbs/probing.h"
#include "tools/verbs/trace.h"
#include "tools/verbs/tuning.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {
namespace {

struct RecordOptions {
  std::string source, destination, output;
  int interval_ms = 50;
  double limit_s = 0; // 0: none
  bool enable_events = false;
  std::string metrics_listen;
  TraceOptions trace;
  ProbeOptions probe;
};

Result<RecordingPlan> plan_of(const RecordOptions& options) {
  RecordingPlan plan;
  plan.session = options.output;
  plan.interrupt = "ends the recording";
  auto source = address_option("--source", options.source);
  if (!source)
    return fail(source.error());
  plan.source = *source;
  if (!options.destination.empty()) {
    auto destination = address_option("--destination", options.destination);
    if (!destination)
      return fail(destination.error());
    plan.destination = *destination;
  }
  if (!options.metrics_listen.empty()) {
    auto metrics = address_option("--metrics-listen", options.metrics_listen);
    if (!metrics)
      return fail(metrics.error());
    plan.metrics = *metrics;
  }
  plan.recorder.interval = std::chrono::milliseconds(options.interval_ms);
  plan.recorder.enable_events = options.enable_events;
  plan.options = qmp::Json::object()
                     .set("verb", "record")
                     .set("interval_ms", options.interval_ms)
                     .set("enable_events", options.enable_events);
  auto probe = probe_plan(options.probe);
  if (!probe)
    return fail(probe.error());
  plan.probe = *probe;
  plan.trace = trace_plan(options.trace);
  describe_trace(options.trace, plan.options);
  return plan;
}

ExitStatus record(const RecordOptions& options) {
  auto plan = plan_of(options);
  if (!plan)
    return report(plan.error());
  SystemClock clock;
  EventLoop loop;
  auto run = RecordingRun::create(loop, clock, std::move(*plan));
  if (!run)
    return report(run.error());
  if (auto attached = (*run)->attach(); !attached)
    return abandon(std::move(*run), options.output, attached.error());
  (*run)->notice("attached; the recording ends with the migration, or with "
                 "Ctrl-C");
  std::optional<Nanos> limit;
  if (options.limit_s > 0)
    limit = from_seconds(options.limit_s);
  captures::Outcome outcome = (*run)->follow(limit);
  return conclude(**run, options.output, outcome);
}

} // namespace

void add_record(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<RecordOptions>();
  CLI::App* verb = app.add_subcommand(
      "record",
      "Follow a migration of running QEMUs through their monitors.\n\n"
      "Example:\n"
      "  migscope record --source unix:/run/a.qmp --destination "
      "unix:/run/b.qmp -o slow.migscope\n");
  verb->add_option("--source", options->source, "Monitor of the source (QMP)")
      ->required()
      ->type_name("ADDR");
  verb->add_option("--destination", options->destination,
                   "Monitor of the destination (QMP)")
      ->type_name("ADDR");
  verb->add_option("-o,--output", options->output,
                   "Session directory to create")
      ->required()
      ->type_name("NAME.migscope");
  declare_interval(*verb, options->interval_ms);
  verb->add_flag("--enable-events", options->enable_events,
                 "Turn on the `events` capability in the QEMUs, so that "
                 "every pass is seen; before the migration starts");
  verb->add_option("--limit", options->limit_s,
                   "Cancel a migration that has not ended so long after the "
                   "monitors were attached")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 1e6));
  verb->add_option("--metrics-listen", options->metrics_listen,
                   "Serve the live figures for Prometheus at "
                   "http://HOST:PORT/metrics until the recording ends")
      ->type_name("ADDR");
  declare_trace(*verb, options->trace);
  declare_probe(*verb, options->probe);
  verb->callback(
      [options, &chosen] { chosen = [options] { return record(*options); }; });
}

} // namespace migscope::tools
