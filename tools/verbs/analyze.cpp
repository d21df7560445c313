#include "analyzer/analyze.h"
#include "analyzer/what_if/what_if.h"
#include "captures/session/file.h"
#include "tools/render/json.h"
#include "tools/render/pages_csv.h"
#include "tools/render/text.h"
#include "tools/temp_dir.h"
#include "tools/verbs/paths.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>
#include <thread>

namespace migscope::tools {
namespace {

struct AnalyzeOptions {
  std::vector<std::string> paths;
  std::string pages, owners; // files; empty: none
  bool json = false, what_if = false;
  bool no_content = false;
  size_t threads = std::max(1u, std::thread::hardware_concurrency());
};

Result<analyzer::Owners> read_owners(const std::string& path) {
  constexpr uint64_t kMostBytes = 2u << 30;
  auto file = captures::File::open(path);
  if (!file)
    return fail(file.error());
  if (file->size() > kMostBytes)
    return fail({ErrorKind::unsupported,
                 fmt::format("a table of more than {} bytes", kMostBytes),
                 path,
                 {}});
  std::string text(file->size(), '\0');
  auto read = file->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!read)
    return fail(read.error());
  text.resize(*read);
  return analyzer::parse_owners(text, path);
}

Result<analyzer::Analysis> read(const AnalyzeOptions& options,
                                const captures::Recording& recording) {
  using analyzer::Content;
  analyzer::AnalyzeOptions how;
  how.reading.threads = options.threads;
  how.reading.content = options.no_content ? Content::ignored : Content::hashed;
  if (!options.owners.empty()) {
    auto owners = read_owners(options.owners);
    if (!owners)
      return fail(owners.error());
    how.owners = std::move(*owners);
  }
  if (options.pages.empty())
    return analyzer::analyze(recording, how);
  auto csv = PagesCsv::create(options.pages);
  if (!csv)
    return fail(csv.error());
  how.page_runs = [&](const analyzer::PageRun& run) { (*csv)->add(run); };
  auto analysis = analyzer::analyze(recording, how);
  if (analysis && !analysis->pages)
    return fail({ErrorKind::unsupported,
                 "there is no stream whose pages could be told",
                 options.pages,
                 {}});
  if (Status written = (*csv)->close(); !written)
    return fail(written.error());
  return analysis;
}

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) / 1e9;
}

Status add_what_if(analyzer::Analysis& analysis,
                   const captures::Recording& recording) {
  return analyzer::add_what_if(
      analysis, recording,
      {.cpu_seconds = thread_cpu_seconds, .scratch = scratch_directory()});
}

ExitStatus analyze(const AnalyzeOptions& options) {
  if (options.what_if && std::ranges::any_of(options.paths, reads_once))
    return report({ErrorKind::usage, "--what-if reads the stream twice; a pipe "
                                     "or standard input cannot be"});
  auto recording = open_paths(options.paths);
  if (!recording)
    return report(recording.error());
  auto analysis = read(options, *recording);
  if (!analysis)
    return report(analysis.error());
  if (options.what_if)
    if (auto done = add_what_if(*analysis, *recording); !done)
      return report(done.error());
  std::string out = options.json ? render_json(*analysis).dump_pretty() + "\n"
                                 : render_text(*analysis);
  if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() ||
      std::fflush(stdout) != 0)
    return report({ErrorKind::io, "cannot write to standard output"});
  return analysis->input.complete ? ExitStatus::done : ExitStatus::incomplete;
}

} // namespace

void add_analyze(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<AnalyzeOptions>();
  CLI::App* verb = app.add_subcommand(
      "analyze", "Explain a recording or a captured stream.\n"
                 "Exit status 3 where the input is incomplete or damaged.\n\n"
                 "Example:\n"
                 "  migscope analyze run.migscope\n"
                 "  migscope analyze --json stream.bin | jq .stop_and_copy\n"
                 "  migscope analyze main.bin multifd-0.bin multifd-1.bin\n"
                 "  migscope analyze --what-if run.migscope\n");
  verb->add_option("path", options->paths, kPathsHelp)
      ->required()
      ->type_name("PATH");
  verb->add_flag("--json", options->json,
                 "Print the result as JSON (docs/analysis-json.md)");
  verb->add_option("--pages", options->pages,
                   "Also write every page's sends to a new FILE, as CSV "
                   "(docs/pages-csv.md)")
      ->type_name("FILE");
  verb->add_option("--owners", options->owners,
                   "Rank whose memory it was: guest-physical ranges with "
                   "names, as tools/guest-owners makes them inside the guest "
                   "(docs/owners-csv.md)")
      ->type_name("FILE");
  verb->add_flag("--no-content", options->no_content,
                 "Read page headers only: faster, but what was sent again "
                 "unchanged stays unknown");
  verb->add_option("--threads", options->threads,
                   "Threads to work with (all cores)")
      ->check(CLI::Range(1, 256));
  verb->add_flag("--what-if", options->what_if,
                 "What xbzrle, multifd's compression and leaving out unchanged "
                 "pages would have saved: reads the stream twice, and keeps "
                 "the pages that were sent again in a file in $TMPDIR or "
                 "/var/tmp, as large as the guest at the most");
  verb->callback(
      [options, &chosen] { chosen = [options] { return analyze(*options); }; });
}

} // namespace migscope::tools
