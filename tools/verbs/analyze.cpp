#include "analyzer/analyze.h"
#include "tools/render/json.h"
#include "tools/render/text.h"
#include "tools/verbs/paths.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace migscope::tools {
namespace {

struct AnalyzeOptions {
  std::vector<std::string> paths;
  bool json = false;
};

ExitStatus analyze(const AnalyzeOptions& options) {
  auto recording = open_paths(options.paths);
  if (!recording)
    return report(recording.error());
  auto analysis = analyzer::analyze(*recording);
  if (!analysis)
    return report(analysis.error());
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
                 "  migscope analyze main.bin multifd-0.bin multifd-1.bin\n");
  verb->add_option("path", options->paths, kPathsHelp)
      ->required()
      ->type_name("PATH");
  verb->add_flag("--json", options->json,
                 "Print the result as JSON (docs/analysis-json.md)");
  verb->callback(
      [options, &chosen] { chosen = [options] { return analyze(*options); }; });
}

} // namespace migscope::tools
