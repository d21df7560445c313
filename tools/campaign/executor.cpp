#include "tools/campaign/executor.h"

#include "tools/lab/child_process.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {
namespace {

constexpr Nanos kLook = std::chrono::milliseconds(20);
constexpr Nanos kShow = std::chrono::milliseconds(500);
// How long programs may take beside the migration itself.
constexpr Nanos kAttachTime = std::chrono::seconds(30);
constexpr Nanos kEndTime = std::chrono::seconds(30);
constexpr Nanos kRecordTail = std::chrono::seconds(60);

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

  // Done: the part is whole. An error of kind interrupted ends the campaign.
  Status make() { return plan_.hooks ? by_hooks() : by_lab(); }

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

  // So that a recording is whole and no QEMU goes on.
  void end(ChildProcess& child) {
    loop_.forgive_interrupt();
    child.ask_to_end();
    auto look = loop_.every(kLook, [] {});
    (void)loop_.run_until([&] { return !child.running(); }, kEndTime, "");
  }

  Result<Child> start(const std::vector<std::string>& words,
                      const std::filesystem::path& log) {
    return ChildProcess::start(words, log);
  }

  Status check(ChildProcess& child, const std::string& what) {
    if (child.status() < 128 && folder_has_session())
      return {};
    return fail(ErrorKind::refused,
                fmt::format("{}: {}", what, child.last_words()));
  }

  bool folder_has_session() const {
    std::error_code ignored;
    return std::filesystem::exists(folder_.part(id_), ignored);
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

  Status run_hook(const char* name, const std::string& command) {
    if (command.empty())
      return {};
    auto child =
        start(hook(command), folder_.log(id_, std::string(".") + name));
    if (!child)
      return fail(child.error());
    if (auto waited = wait(**child, {}, ""); !waited)
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
    Status migrated = run_hook("migrate", plan_.hooks->migrate);
    if (!migrated) {
      end(**recorder);
      return migrated;
    }
    Status waited = wait(**recorder, from_seconds(plan_.limit_s) + kRecordTail,
                         "the migration did not end within its time");
    return waited ? check(**recorder, "record") : waited;
  }

  Status by_hooks() {
    Status made = run_hook("prepare", plan_.hooks->prepare);
    if (made)
      made = record_migration();
    // The guest has to be where the next run expects it, whatever happened.
    loop_.forgive_interrupt();
    Status restored = run_hook("restore", plan_.hooks->restore);
    return made ? restored : made;
  }

  EventLoop& loop_;
  CampaignFolder& folder_;
  const Plan& plan_;
  const RunSpec& run_;
  std::string id_;
  const std::string& program_;
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

} // namespace

Result<CampaignOutcome> make_runs(EventLoop& loop, Clock& clock,
                                  CampaignFolder& folder, const Plan& plan,
                                  const std::vector<RunSpec>& runs,
                                  const std::string& program,
                                  const ShowProgress& show) {
  CampaignOutcome out;
  std::vector<RunSpec> to_make;
  for (const RunSpec& run : runs)
    if (folder.is_done(run_id(plan, run)))
      ++out.found;
    else
      to_make.push_back(run);
  Estimate estimate(clock, to_make.size());
  for (const RunSpec& run : to_make) {
    std::string id = run_id(plan, run);
    auto showing = loop.every(kShow, [&] {
      show(fmt::format("{} of {}: {}{}", out.found + out.made + 1, runs.size(),
                       id, estimate.text()));
    });
    Status made = RunMaker(loop, folder, plan, run, program).make();
    if (made) {
      if (auto kept = folder.keep(id); !kept)
        return fail(kept.error());
      ++out.made;
    } else if (auto aside = folder.put_aside(id); !aside) {
      return fail(aside.error());
    } else if (made.error().kind == ErrorKind::interrupted) {
      out.interrupted = true;
      return out;
    } else {
      out.failures.push_back({id, describe(made.error())});
    }
    estimate.one_done();
  }
  return out;
}

} // namespace migscope::tools
