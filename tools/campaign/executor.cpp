#include "tools/campaign/executor.h"

#include "captures/session/manifest.h"
#include "tools/exit_status.h"
#include "tools/lab/child_process.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

constexpr Nanos kLook = std::chrono::milliseconds(20);
constexpr Nanos kShow = std::chrono::milliseconds(500);
// How long programs may take beside the migration itself.
constexpr Nanos kAttachTime = std::chrono::seconds(30);
constexpr Nanos kEndTime = std::chrono::seconds(30);
constexpr Nanos kRecordTail = std::chrono::seconds(60);
// From a command that failed to the end of the migration that made it so.
constexpr Nanos kFailureTail = std::chrono::seconds(5);

std::string spelled(double s) {
  return s < 90 ? fmt::format("{:.0f} s", s)
                : fmt::format("{:.0f} min", s / 60);
}

// One run, made of programs that are waited for.
class RunMaker {
public:
  RunMaker(EventLoop& loop, CampaignFolder& folder, const Plan& plan,
           const RunSpec& run, const std::string& program)
      : loop_(loop), folder_(folder), plan_(plan), run_(run),
        id_(run_id(plan, run)), program_(program) {}

  // Done: the part is whole.
  Status make() { return plan_.hooks ? by_hooks() : by_lab(); }

  // The guest has to be where the next run expects it, whatever happened to
  // this one; the first interruption is for later.
  Status restore() {
    if (!plan_.hooks)
      return {};
    remember_interrupt();
    Status restored = run_hook("restore", plan_.hooks->restore, {}, true);
    remember_interrupt();
    return restored;
  }

  // Somebody has asked for the end meanwhile.
  [[nodiscard]] bool interrupted() const { return interrupted_; }

private:
  using Child = std::unique_ptr<ChildProcess>;

  Status wait(ChildProcess& child, std::optional<Nanos> limit,
              const std::string& what) {
    auto look = loop_.every(kLook, [] {});
    Status waited =
        loop_.run_until([&] { return !child.running(); }, limit, what);
    if (!waited)
      end(child);
    return waited;
  }

  // Until it has ended, or the first interruption.
  void wait_once(ChildProcess& child) {
    auto look = loop_.every(kLook, [] {});
    (void)loop_.run_until([&] { return !child.running(); });
    remember_interrupt();
  }

  // So that a recording is whole and no QEMU goes on. A further interruption
  // hurries it.
  void end(ChildProcess& child) {
    remember_interrupt();
    child.ask_to_end();
    auto look = loop_.every(kLook, [] {});
    (void)loop_.run_until([&] { return !child.running(); }, kEndTime, "");
    remember_interrupt();
  }

  void remember_interrupt() {
    interrupted_ = interrupted_ || loop_.interrupted();
    loop_.forgive_interrupt();
  }

  Result<Child> start(const std::vector<std::string>& words,
                      const std::filesystem::path& log) {
    return ChildProcess::start(words, log);
  }

  // A recording of a migration that has ended, whatever came of it.
  Status check(ChildProcess& child, const std::string& what) {
    constexpr int kIncomplete = static_cast<int>(ExitStatus::incomplete);
    constexpr std::array kEnds{"completed", "failed", "cancelled"};
    auto manifest = captures::read_manifest(folder_.part(id_));
    bool ended =
        manifest && std::ranges::find(kEnds, manifest->outcome) != kEnds.end();
    if (ended && child.status() < 128 && child.status() != kIncomplete)
      return {};
    return fail(ErrorKind::refused,
                fmt::format("{}: {}{}", what,
                            ended ? "its recording is not whole: " : "",
                            child.last_words()));
  }

  std::vector<std::string> own(std::vector<std::string> arguments) const {
    // Its sockets go where they are cleared up after it was killed.
    std::vector<std::string> out{"env", "TMPDIR=" + folder_.scratch().string(),
                                 program_};
    out.insert(out.end(), arguments.begin(), arguments.end());
    return out;
  }

  Status by_lab() {
    auto lab = start(own(lab_arguments(plan_, run_, folder_.part(id_))),
                     folder_.log(id_));
    if (!lab)
      return fail(lab.error());
    if (auto waited = wait(**lab, {}, ""); !waited)
      return waited;
    return check(**lab, "lab");
  }

  // A shell's command, with the run in its environment.
  std::vector<std::string> hook(const std::string& command) const {
    RunNames names = names_of(plan_, run_);
    const Mode& mode = plan_.modes[run_.mode];
    const Workload& workload = plan_.workloads[run_.workload];
    return {
        "env",
        "MIGSCOPE_RUN=" + id_,
        "MIGSCOPE_WORKLOAD=" + names.workload,
        "MIGSCOPE_WORKLOAD_WORDS=" +
            workload_words(workload.words, names.memory),
        "MIGSCOPE_MEMORY=" + names.memory,
        "MIGSCOPE_MODE=" + names.mode,
        "MIGSCOPE_CAPABILITIES=" +
            fmt::format("{}", fmt::join(mode.capabilities, " ")),
        "MIGSCOPE_PARAMETERS=" +
            fmt::format("{}", fmt::join(mode.parameters, " ")),
        "MIGSCOPE_POSTCOPY_AFTER=" +
            (mode.postcopy_after ? std::to_string(*mode.postcopy_after) : ""),
        "MIGSCOPE_BANDWIDTH=" +
            std::to_string(
                plan_.bandwidths[run_.bandwidth].bytes_per_second.value_or(0)),
        fmt::format("MIGSCOPE_REPETITION={}", run_.repetition),
        "sh",
        "-c",
        command};
  }

  // `to_its_end`: also where somebody asks for the end once.
  Status run_hook(const char* name, const std::string& command,
                  std::optional<Nanos> limit = {}, bool to_its_end = false) {
    if (command.empty())
      return {};
    auto child =
        start(hook(command), folder_.log(id_, std::string(".") + name));
    if (!child)
      return fail(child.error());
    if (to_its_end)
      wait_once(**child);
    if (auto waited =
            wait(**child, limit,
                 fmt::format("{}: it did not end within its time", name));
        !waited)
      return waited;
    if ((*child)->status() != 0)
      return fail(ErrorKind::refused,
                  fmt::format("{}: status {}: {}", name, (*child)->status(),
                              (*child)->last_words()));
    return {};
  }

  Status wait_until_attached(ChildProcess& recorder) {
    auto look = loop_.every(kLook, [] {});
    Status attached = loop_.run_until(
        [&] {
          return !recorder.running() ||
                 recorder.last_words().find("attached;") != std::string::npos;
        },
        kAttachTime, "record did not attach to the monitors");
    if (attached && !recorder.running())
      return fail(ErrorKind::refused, "record: " + recorder.last_words());
    if (!attached)
      end(recorder);
    return attached;
  }

  Status record_migration() {
    auto recorder = start(own(record_arguments(plan_, folder_.part(id_))),
                          folder_.log(id_));
    if (!recorder)
      return fail(recorder.error());
    if (auto attached = wait_until_attached(**recorder); !attached)
      return attached;
    // The recorder cancels what does not end in time.
    Nanos limit = from_seconds(plan_.limit_s) + kRecordTail;
    Status migrated = run_hook("migrate", plan_.hooks->migrate, limit);
    if (!migrated && migrated.error().kind == ErrorKind::interrupted) {
      end(**recorder);
      return migrated;
    }
    // A migration that fails or is cancelled fails its command, too, or makes
    // it wait for ever, and is what was measured.
    Status waited = wait(**recorder, migrated ? limit : kFailureTail,
                         "the migration did not end within its time");
    if (waited)
      waited = check(**recorder, "record");
    return waited || migrated ? waited : migrated;
  }

  Status by_hooks() {
    Status prepared = run_hook("prepare", plan_.hooks->prepare);
    return prepared ? record_migration() : prepared;
  }

  EventLoop& loop_;
  CampaignFolder& folder_;
  const Plan& plan_;
  const RunSpec& run_;
  std::string id_;
  const std::string& program_;
  bool interrupted_ = false;
};

// What is left takes as long as what was made.
class Estimate {
public:
  Estimate(Clock& clock, uint64_t left)
      : clock_(clock), began_(clock.now().mono), left_(left) {}

  void one_done() {
    ++made_;
    --left_;
  }

  [[nodiscard]] std::string text() const {
    if (made_ == 0)
      return "";
    double each =
        to_ms(clock_.now().mono - began_) / 1000 / static_cast<double>(made_);
    return "; about " + spelled(each * static_cast<double>(left_)) + " left";
  }

private:
  Clock& clock_;
  MonoTime began_;
  uint64_t made_ = 0, left_;
};

// Runs of a plan, one after the other.
class CampaignMaker {
public:
  CampaignMaker(EventLoop& loop, CampaignFolder& folder, const Plan& plan,
                const std::string& program)
      : loop_(loop), folder_(folder), plan_(plan), program_(program) {}

  // What a campaign that was killed has left undone.
  void restore_lost(const std::vector<RunSpec>& runs) {
    auto lost =
        std::ranges::find(runs, folder_.lost(), [&](const RunSpec& run) {
          return run_id(plan_, run);
        });
    if (lost == runs.end())
      return;
    RunMaker maker(loop_, folder_, plan_, *lost, program_);
    restore(maker, folder_.lost(), folder_.is_done(folder_.lost()));
  }

  // Fails where the folder does.
  Status make(const RunSpec& run) {
    std::string id = run_id(plan_, run);
    RunMaker maker(loop_, folder_, plan_, run, program_);
    if (auto begun = folder_.begin(id); !begun)
      return begun;
    Status made = maker.make();
    if (auto kept = made ? folder_.keep(id) : folder_.put_aside(id); !kept)
      return kept;
    bool asked = maker.interrupted() ||
                 (!made && made.error().kind == ErrorKind::interrupted);
    if (made)
      ++out_.made;
    else if (!asked)
      out_.failures.push_back({id, describe(made.error())});
    restore(maker, id, made.has_value());
    out_.interrupted = out_.interrupted || asked;
    return {};
  }

  CampaignOutcome& outcome() { return out_; }

private:
  void restore(RunMaker& maker, const std::string& id, bool has_session) {
    if (auto restored = maker.restore(); !restored)
      out_.failures.push_back({id, describe(restored.error()), has_session});
    out_.interrupted = out_.interrupted || maker.interrupted();
    folder_.end_of_run();
  }

  EventLoop& loop_;
  CampaignFolder& folder_;
  const Plan& plan_;
  const std::string& program_;
  CampaignOutcome out_;
};

} // namespace

Result<CampaignOutcome> make_runs(EventLoop& loop, Clock& clock,
                                  CampaignFolder& folder, const Plan& plan,
                                  const std::vector<RunSpec>& runs,
                                  const std::string& program,
                                  const ShowProgress& show) {
  CampaignMaker maker(loop, folder, plan, program);
  CampaignOutcome& out = maker.outcome();
  std::vector<RunSpec> to_make;
  for (const RunSpec& run : runs)
    if (folder.is_done(run_id(plan, run)))
      ++out.found;
    else
      to_make.push_back(run);
  maker.restore_lost(runs);
  Estimate estimate(clock, to_make.size());
  for (const RunSpec& run : to_make) {
    if (out.interrupted)
      break;
    auto showing = loop.every(kShow, [&] {
      show(fmt::format("{} of {}: {}{}", out.found + out.made + 1, runs.size(),
                       run_id(plan, run), estimate.text()));
    });
    if (auto made = maker.make(run); !made)
      return fail(made.error());
    estimate.one_done();
  }
  return out;
}

} // namespace migscope::tools
