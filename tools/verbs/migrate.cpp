#include "tools/temp_dir.h"
#include "tools/verbs/options.h"
#include "tools/verbs/outcome.h"
#include "tools/verbs/probing.h"
#include "tools/verbs/trace.h"
#include "tools/verbs/tuning.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {
namespace {

struct MigrateOptions {
  std::string source, destination, uri, tee_listen, output;
  Tuning tuning;
  bool capture = false;
  TraceOptions trace;
  ProbeOptions probe;
};

Result<RecordingPlan> recording_plan(const MigrateOptions& options) {
  RecordingPlan plan;
  plan.session = options.output;
  auto source = address_option("--source", options.source);
  if (!source)
    return fail(source.error());
  auto destination = address_option("--destination", options.destination);
  if (!destination)
    return fail(destination.error());
  plan.source = *source;
  plan.destination = *destination;
  plan.recorder = recorder_options(options.tuning);
  plan.options = qmp::Json::object()
                     .set("verb", "migrate")
                     .set("interval_ms", options.tuning.interval_ms)
                     .set("capture", options.capture);
  auto probe = probe_plan(options.probe);
  if (!probe)
    return fail(probe.error());
  plan.probe = *probe;
  plan.trace = trace_plan(options.trace);
  describe_trace(options.trace, plan.options);
  return plan;
}

// A socket of our own serves as long as both QEMUs are on this host.
Result<MigrationPlan> migration_plan(const MigrateOptions& options,
                                     const RecordingPlan& recording,
                                     const std::filesystem::path& sockets) {
  auto tuned = tuned_plan(options.tuning);
  if (!tuned)
    return tuned;
  MigrationPlan plan = std::move(*tuned);
  bool local = is_local(recording.source) && is_local(*recording.destination);
  if (options.uri.empty() && !local)
    return fail(ErrorKind::usage,
                "--uri is needed: the monitors are not both on this host, so "
                "the QEMUs cannot meet at a local socket");
  plan.uri = options.uri.empty()
                 ? "unix:" + (sockets / "destination.sock").string()
                 : options.uri;
  if (!options.capture)
    return plan;
  if (options.tee_listen.empty() && !is_local(recording.source))
    return fail(ErrorKind::usage,
                "--tee is needed: the source is not on this host, so it must "
                "be told where the tee can be reached");
  auto listen = options.tee_listen.empty()
                    ? parse_address("unix:" + (sockets / "tee.sock").string())
                    : address_option("--tee", options.tee_listen);
  if (!listen)
    return fail(listen.error());
  plan.tee_listen = *listen;
  return plan;
}

ExitStatus migrate(const MigrateOptions& options) {
  auto recording = recording_plan(options);
  if (!recording)
    return report(recording.error());
  auto sockets = TempDir::create();
  if (!sockets)
    return report(sockets.error());
  auto plan = migration_plan(options, *recording, (*sockets)->path());
  if (!plan)
    return report(plan.error());
  SystemClock clock;
  EventLoop loop;
  auto run = RecordingRun::create(loop, clock, std::move(*recording));
  if (!run)
    return report(run.error());
  if (auto attached = (*run)->attach(); !attached)
    return abandon(std::move(*run), options.output, attached.error());
  auto outcome = run_migration(**run, *plan);
  if (!outcome)
    return abandon(std::move(*run), options.output, outcome.error());
  return conclude_migration(**run, options.output, *outcome);
}

void declare(CLI::App* verb, MigrateOptions& options) {
  verb->add_option("--source", options.source, "Monitor of the source (QMP)")
      ->required()
      ->type_name("ADDR");
  verb->add_option("--destination", options.destination,
                   "Monitor of the destination (QMP), started with -incoming "
                   "defer or an address")
      ->required()
      ->type_name("ADDR");
  verb->add_option("-o,--output", options.output, "Session directory to create")
      ->required()
      ->type_name("NAME.migscope");
  verb->add_option("--uri", options.uri,
                   "Where the destination listens (unix:PATH or "
                   "tcp:HOST:PORT); default: a socket of our own")
      ->type_name("URI");
  verb->add_flag("--capture", options.capture,
                 "Store the migration stream, through a tee");
  verb->add_option("--tee", options.tee_listen,
                   "Where the tee listens for the source; default: a socket "
                   "of our own")
      ->type_name("ADDR");
  declare_tuning(*verb, options.tuning);
  declare_trace(*verb, options.trace);
  declare_probe(*verb, options.probe);
}

} // namespace

void add_migrate(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<MigrateOptions>();
  CLI::App* verb = app.add_subcommand(
      "migrate",
      "Start a migration between two QEMUs, record it to its end.\n"
      "Turns on the `events` capability at both ends. Ctrl-C cancels the "
      "migration.\n\n"
      "Example:\n"
      "  migscope migrate --source unix:a.qmp --destination unix:b.qmp "
      "--capture\n"
      "    --parameter downtime-limit=100 -o run.migscope\n");
  declare(verb, *options);
  verb->callback(
      [options, &chosen] { chosen = [options] { return migrate(*options); }; });
}

} // namespace migscope::tools
