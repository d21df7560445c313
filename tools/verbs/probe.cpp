#include "analyzer/service/measure.h"
#include "tools/probe_run.h"
#include "tools/progress.h"
#include "tools/render/service.h"
#include "tools/stream_session.h"
#include "tools/temp_dir.h"
#include "tools/verbs/options.h"
#include "tools/verbs/printing.h"
#include "tools/verbs/probe_pcap.h"
#include "tools/verbs/probing.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

constexpr const char* kLog = "probes.jsonl.zst";

struct ProbeVerbOptions {
  ProbeOptions probe;
  std::string output;
  double seconds = 0; // 0: until it is interrupted
  PcapOptions pcap;
  bool json = false;
};

// Where the log goes: a session that stays, or a place for the moment.
struct Place {
  std::optional<StreamSession> session;
  std::unique_ptr<TempDir> scratch;

  [[nodiscard]] std::filesystem::path log() const {
    return (session ? session->path() : scratch->path()) / kLog;
  }
};

Result<Place> make_place(Clock& clock, const ProbeVerbOptions& options) {
  Place place;
  if (options.output.empty()) {
    auto scratch = TempDir::create();
    if (!scratch)
      return fail(scratch.error());
    place.scratch = std::move(*scratch);
    return place;
  }
  auto session =
      StreamSession::create(clock, options.output,
                            qmp::Json::object()
                                .set("verb", "probe")
                                .set("target", options.probe.target)
                                .set("interval_ms", options.probe.interval_ms));
  if (!session)
    return fail(session.error());
  place.session = std::move(*session);
  return place;
}

Status print(const analyzer::Service& service, bool json) {
  std::string text = json ? qmp::Json::object()
                                    .set("schema", "migscope/service-1")
                                    .set("service", service_json(service))
                                    .dump_pretty() +
                                "\n"
                          : service_text(service);
  return print_result(text);
}

ExitStatus tell(const std::filesystem::path& log,
                const ProbeVerbOptions& options) {
  std::optional<Error> torn;
  auto series = analyzer::read_probes(log, &torn);
  if (!series)
    return report(series.error());
  if (auto printed = print(analyzer::measure(*series), options.json); !printed)
    return report(printed.error());
  if (!torn)
    return ExitStatus::done;
  (void)report(*torn);
  return ExitStatus::incomplete;
}

// Until it has lasted as long as was asked for, or somebody ends it. Fails
// where not all could be stored.
Status run_to_end(EventLoop& loop, ProbeRun& run, Progress& progress,
                  double seconds) {
  auto showing = loop.every(std::chrono::milliseconds(250), [&] {
    progress.show(
        fmt::format("{} probes, {} answers", run.sent(), run.answers()));
  });
  std::optional<Nanos> limit;
  if (seconds > 0)
    limit = from_seconds(seconds);
  (void)loop.run_until([] { return false; }, limit, "");
  return run.finish();
}

ExitStatus probe(const ProbeVerbOptions& options) {
  if (!options.pcap.file.empty()) {
    PcapOptions pcap = options.pcap;
    pcap.json = options.json;
    return run_probe_pcap(pcap);
  }
  if (options.probe.target.empty())
    return report({ErrorKind::usage, "expected a TARGET, or --pcap FILE"});
  auto plan = probe_plan(options.probe);
  if (!plan)
    return report(plan.error());
  SystemClock clock;
  EventLoop loop;
  auto place = make_place(clock, options);
  if (!place)
    return report(place.error());
  Progress progress;
  auto run =
      ProbeRun::start(loop, clock, **plan, place->log(),
                      [&](const std::string& text) { progress.notice(text); });
  if (!run) {
    if (place->session)
      place->session->remove();
    return report(run.error());
  }
  Status stored = run_to_end(loop, **run, progress, options.seconds);
  progress.end();
  if (place->session) {
    Status finished = place->session->finish("probed", {});
    if (finished) {
      announce_recording(options.output);
    } else {
      (void)report(finished.error());
      stored = finished;
    }
  }
  ExitStatus told = tell(place->log(), options);
  return told == ExitStatus::done && !stored ? ExitStatus::incomplete : told;
}

// `others`: what is of a probe that asks.
void declare_pcap(CLI::App& verb, PcapOptions& options,
                  const std::vector<CLI::Option*>& others) {
  auto* file = verb.add_option("--pcap", options.file,
                               "Tell the figures of the traffic in a pcap or "
                               "pcapng file instead (docs/traffic-json.md)")
                   ->type_name("FILE");
  for (CLI::Option* other : others)
    file->excludes(other);
  verb.add_option("--filter", options.filter,
                  "Of these packets only: an expression of pcap-filter(7)")
      ->type_name("EXPR")
      ->needs(file);
  verb.add_option("--rtp-clock", options.rtp_clock,
                  "Clock rate of RTP's dynamic payload types")
      ->type_name("HZ")
      ->check(CLI::Range(1, 1'000'000'000))
      ->needs(file);
  verb.add_option("--session", options.session,
                  "A recording of the migration, made on the host of the "
                  "capture: its pause is told in the silences")
      ->type_name("NAME.migscope")
      ->needs(file);
}

} // namespace

void add_probe(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<ProbeVerbOptions>();
  CLI::App* verb = app.add_subcommand(
      "probe",
      "Ask a guest all the time, and tell delay, jitter, loss and silences.\n"
      "Until Ctrl-C. Beside a recording of the same host, `migscope analyze\n"
      "RECORDING PROBE` has both on one axis of time.\n\n"
      "Example:\n"
      "  migscope probe udp:192.0.2.7:7 -o service.migscope\n"
      "  migscope probe icmp:192.0.2.7 --seconds 10\n"
      "  migscope probe --pcap taken.pcapng --filter \"host 192.0.2.7\"\n");
  auto* target =
      verb->add_option("target", options->probe.target,
                       "icmp:HOST, or udp:HOST:PORT of an echo service")
          ->type_name("TARGET");
  auto* output = verb->add_option("-o,--output", options->output,
                                  "Session directory to create")
                     ->type_name("NAME.migscope");
  auto* interval =
      declare_probe_interval(*verb, "--interval", options->probe.interval_ms);
  auto* seconds =
      verb->add_option("--seconds", options->seconds, "End after this time")
          ->type_name("S")
          ->check(CLI::Range(0.1, 1e6));
  declare_pcap(*verb, options->pcap, {target, output, interval, seconds});
  verb->add_flag("--json", options->json, "Print JSON");
  verb->callback(
      [options, &chosen] { chosen = [options] { return probe(*options); }; });
}

} // namespace migscope::tools
