#include "tools/verbs/outcome.h"

#include "tools/render/text.h"
#include "tools/verbs/options.h"
#include "tools/verbs/reading.h"

#include <cerrno>
#include <cstdio>
#include <fmt/format.h>

namespace migscope::tools {

using captures::Outcome;

namespace {

const char* what_happened(Outcome::Kind kind) {
  switch (kind) {
  case Outcome::Kind::completed:
    return "completed";
  case Outcome::Kind::cancelled:
    return "was cancelled";
  case Outcome::Kind::interrupted:
    return "was not followed to its end";
  case Outcome::Kind::disconnected:
    return "can no longer be followed";
  case Outcome::Kind::failed:
    break;
  }
  return "failed";
}

// For somebody who has been looking on: the analysis, and what can be done
// next.
void explain(const std::string& path, bool captured) {
  announce_recording(path);
  auto analysis = read_analysis({path}, {});
  if (!analysis) {
    (void)report(analysis.error());
    return;
  }
  fmt::print("\n{}\n", render_text(*analysis));
  std::fflush(stdout);
  auto next = [&](std::string_view what, std::string_view why) {
    fmt::print(stderr, "{}: {}\n", why,
               analyze_command(program_invocation_name, path, what));
  };
  next("report -o report.html", "as a page to hand on");
  if (!captured)
    return;
  next("analyze --what-if", "what other settings would have saved");
  next("devices", "the devices' state");
}

} // namespace

ExitStatus conclude(RecordingRun& run, const std::string& path,
                    const Outcome& outcome) {
  Status finished = run.finish(outcome);
  fmt::print(stderr, "migscope: the migration {}{}{}\n",
             what_happened(outcome.kind), outcome.detail.empty() ? "" : ": ",
             outcome.detail);
  if (run.was_viewed() && finished)
    explain(path, run.captured());
  else
    announce_recording(path);
  if (!finished)
    return report(finished.error());
  if (outcome.kind == Outcome::Kind::interrupted)
    return ExitStatus::interrupted;
  bool whole = outcome.kind != Outcome::Kind::disconnected && run.stored_all();
  return whole ? ExitStatus::done : ExitStatus::incomplete;
}

ExitStatus conclude_migration(RecordingRun& run, const std::string& path,
                              const Outcome& outcome) {
  ExitStatus status = conclude(run, path, outcome);
  bool went_wrong = outcome.kind == Outcome::Kind::failed ||
                    outcome.kind == Outcome::Kind::cancelled ||
                    outcome.kind == Outcome::Kind::disconnected;
  return went_wrong ? ExitStatus::failed : status;
}

ExitStatus abandon(std::unique_ptr<RecordingRun> run, const std::string& path,
                   const Error& error) {
  run->end_trace();
  run.reset();
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
  return report(error);
}

} // namespace migscope::tools
