#include "tools/verbs/reading.h"

#include "analyzer/what_if/what_if.h"
#include "captures/session/file.h"
#include "tools/temp_dir.h"
#include "tools/verbs/paths.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <thread>

namespace migscope::tools {
namespace {

Result<analyzer::Owners> read_owners(const std::string& path) {
  constexpr uint64_t kMostBytes = 2u << 30;
  auto text = captures::read_file(path, kMostBytes);
  if (!text)
    return fail(text.error());
  return analyzer::parse_owners(*text, path);
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

} // namespace

void add_reading_options(CLI::App& verb, ReadingOptions& options) {
  verb.add_option("--owners", options.owners,
                  "Rank whose memory it was: guest-physical ranges with "
                  "names, as tools/guest-owners makes them inside the guest "
                  "(docs/owners-csv.md)")
      ->type_name("FILE");
  verb.add_flag("--no-content", options.no_content,
                "Read page headers only: faster, but what was sent again "
                "unchanged stays unknown");
  verb.add_option("--threads", options.threads,
                  "Threads to work with (all cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  verb.add_flag("--what-if", options.what_if,
                "What xbzrle, multifd's compression and leaving out unchanged "
                "pages would have saved: reads the stream twice, and keeps "
                "the pages that were sent again in a file in $TMPDIR or "
                "/var/tmp, as large as the guest at the most");
}

Result<analyzer::Analysis>
read_analysis(const std::vector<std::string>& paths,
              const ReadingOptions& options,
              const analyzer::PageRunSink& page_runs) {
  using analyzer::Content;
  if (options.what_if && std::ranges::any_of(paths, reads_once))
    return fail({ErrorKind::usage, "--what-if reads the stream twice; a pipe "
                                   "or standard input cannot be"});
  auto recording = open_paths(paths);
  if (!recording)
    return fail(recording.error());
  analyzer::AnalyzeOptions how;
  how.reading.threads = options.threads;
  how.reading.content = options.no_content ? Content::ignored : Content::hashed;
  how.page_runs = page_runs;
  if (!options.owners.empty()) {
    auto owners = read_owners(options.owners);
    if (!owners)
      return fail(owners.error());
    how.owners = std::move(*owners);
  }
  auto analysis = analyzer::analyze(*recording, how);
  if (analysis && options.what_if)
    if (auto done = add_what_if(*analysis, *recording); !done)
      return fail(done.error());
  return analysis;
}

} // namespace migscope::tools
