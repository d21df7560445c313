#include "tools/lab/lab.h"
#include "tools/lab/lab_network.h"

#include "tools/verbs/outcome.h"
#include "tools/verbs/probing.h"
#include "tools/verbs/tuning.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {
namespace {

struct LabVerbOptions {
  LabOptions lab;
  std::string output;
  Tuning tuning;
  bool no_capture = false;
  std::string guest = "bare", probe;
  double probe_interval_ms = 2;
  double link_mbit = 0; // 0: none
};

qmp::Json describe_options(const LabVerbOptions& options,
                           const std::string& ready) {
  qmp::Json args = qmp::Json::array();
  for (const std::string& arg : options.lab.qemu_args)
    args.add(arg);
  return qmp::Json::object()
      .set("verb", "lab")
      .set("qemu", options.lab.qemu)
      .set("qemu_args", args)
      .set("memory", options.lab.memory)
      .set("guest_kind", options.guest)
      .set("probe", options.probe)
      .set("link_mbit", options.link_mbit)
      .set("workload", options.lab.workload)
      .set("heartbeat_ms", options.lab.heartbeat_ms)
      .set("guest", ready)
      .set("interval_ms", options.tuning.interval_ms)
      .set("capture", !options.no_capture)
      .set("trace", options.lab.logs);
}

std::optional<captures::ProbePlan> guest_probe(const LabVerbOptions& options) {
  using Target = captures::ProbeTarget;
  constexpr uint16_t kEchoPort = 7;
  if (options.probe.empty())
    return std::nullopt;
  bool icmp = options.probe == "icmp";
  return captures::ProbePlan{
      icmp ? Target{Target::Kind::icmp, LabNetwork::kGuest, 0}
           : Target{Target::Kind::udp, LabNetwork::kGuest, kEchoPort},
      from_ms(options.probe_interval_ms)};
}

RecordingPlan recording_plan(const LabVerbOptions& options, const Lab& lab) {
  RecordingPlan plan;
  plan.session = options.output;
  plan.source.path = lab.source_monitor();
  plan.destination = Address{};
  plan.destination->path = lab.destination_monitor();
  plan.recorder = recorder_options(options.tuning);
  plan.options = describe_options(options, lab.ready_line());
  plan.probe = guest_probe(options);
  if (options.lab.logs)
    plan.trace = {true, lab.source_log(), lab.destination_log()};
  return plan;
}

void add_sockets(MigrationPlan& plan, const LabVerbOptions& options,
                 const Lab& lab) {
  plan.uri = options.link_mbit > 0
                 ? LabNetwork::kMigration
                 : "unix:" + (lab.directory() / "migration.sock").string();
  if (options.no_capture)
    return;
  plan.tee_listen = Address{};
  plan.tee_listen->path = lab.directory() / "tee.sock";
}

// The probe is why there is a network.
LabOptions lab_options(const LabVerbOptions& options) {
  LabOptions out = options.lab;
  out.guest =
      options.guest == "linux" ? LabGuest::linux_kernel : LabGuest::bare;
  out.network.guest = !options.probe.empty();
  if (options.link_mbit > 0)
    out.network.link_bits = static_cast<uint64_t>(options.link_mbit * 1e6);
  return out;
}

ExitStatus run_lab(const LabVerbOptions& options) {
  if (!options.probe.empty() && options.guest != "linux")
    return report({ErrorKind::usage, "--probe wants --guest linux: the bare "
                                     "guest has no network"});
  auto migration = tuned_plan(options.tuning);
  if (!migration)
    return report(migration.error());
  SystemClock clock;
  EventLoop loop;
  auto lab = Lab::start(loop, clock, lab_options(options));
  if (!lab)
    return report(lab.error());
  add_sockets(*migration, options, **lab);
  auto run = RecordingRun::create(loop, clock, recording_plan(options, **lab));
  if (!run)
    return report(run.error());
  if (auto stored = (*lab)->store_consoles(options.output); !stored)
    return abandon(std::move(*run), options.output, stored.error());
  if (auto attached = (*run)->attach(); !attached)
    return abandon(std::move(*run), options.output, attached.error());
  auto outcome = run_migration(**run, *migration);
  if (!outcome)
    return abandon(std::move(*run), options.output, outcome.error());
  if (std::string words = (*lab)->destination_last_words();
      outcome->kind == captures::Outcome::Kind::failed && !words.empty())
    outcome->detail += "; the destination said: " + words;
  if (outcome->kind == captures::Outcome::Kind::completed)
    (*lab)->watch_guest(loop);
  (*run)->end_trace(); // while the QEMUs can be asked
  (*run)->end_probe();
  Status consoles = (*lab)->end();
  if (!consoles)
    (*run)->notice("the guest's console: " + describe(consoles.error()));
  ExitStatus status = conclude_migration(**run, options.output, *outcome);
  return status == ExitStatus::done && !consoles ? ExitStatus::incomplete
                                                 : status;
}

void declare(CLI::App* verb, LabVerbOptions& options) {
  verb->add_option("-o,--output", options.output, "Session directory to create")
      ->required()
      ->type_name("NAME.migscope");
  verb->add_option("--qemu", options.lab.qemu, "QEMU of both ends")
      ->type_name("PROGRAM")
      ->capture_default_str();
  verb->add_option("--qemu-arg", options.lab.qemu_args,
                   "One more word for both command lines")
      ->type_name("WORD")
      ->allow_extra_args(false);
  verb->add_option("--memory", options.lab.memory, "Guest memory, as QEMU's -m")
      ->type_name("SIZE")
      ->capture_default_str();
  verb->add_option("--guest", options.guest,
                   "What runs in the QEMUs: a program of our own, or Debian's "
                   "Linux with it, which tools/get-linux gets")
      ->type_name("KIND")
      ->check(CLI::IsMember({"bare", "linux"}))
      ->capture_default_str();
  verb->add_option("--probe", options.probe,
                   "Give the Linux guest a network, in a namespace of its own, "
                   "and ask it all the time what its clients feel; as root")
      ->type_name("KIND")
      ->check(CLI::IsMember({"icmp", "udp"}));
  declare_probe_interval(*verb, "--probe-interval", options.probe_interval_ms);
  verb->add_option("--link", options.link_mbit,
                   "Migrate over a link of so many Mbit/s, in a network "
                   "namespace of its own; as root. Unlike max-bandwidth it "
                   "holds in the pause, too")
      ->type_name("MBIT/S")
      ->check(CLI::Range(1.0, 100'000.0));
  verb->add_option("--workload", options.lab.workload,
                   "What the guest does (tools/lab/guest/README.md)")
      ->type_name("WORDS")
      ->capture_default_str();
  verb->add_option("--heartbeat", options.lab.heartbeat_ms,
                   "Milliseconds between the guest's heartbeats, which time "
                   "the pause that it felt; 0: none")
      ->type_name("MS")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  verb->add_flag("--no-capture", options.no_capture,
                 "Record the monitors only, not the stream");
  verb->add_flag("--trace", options.lab.logs,
                 "Record the QEMUs' own trace of the migration, too");
  declare_tuning(*verb, options.tuning);
}

} // namespace

void add_lab(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<LabVerbOptions>();
  CLI::App* verb = app.add_subcommand(
      "lab",
      "Migrate a guest of our own between two local QEMUs and record it.\n\n"
      "Example:\n"
      "  migscope lab --workload \"cold=64M hot=8M rate=5000\" -o "
      "demo.migscope\n");
  declare(verb, *options);
  verb->callback(
      [options, &chosen] { chosen = [options] { return run_lab(*options); }; });
}

} // namespace migscope::tools
