#include "tools/render/json.h"
#include "tools/render/pages_csv.h"
#include "tools/render/text.h"
#include "tools/report/build_report.h"
#include "tools/report/html.h"
#include "tools/report/report_file.h"
#include "tools/verbs/paths.h"
#include "tools/verbs/printing.h"
#include "tools/verbs/reading.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {
namespace {

struct AnalyzeOptions {
  std::vector<std::string> paths;
  std::string pages, html; // files; empty: none
  bool json = false;
  ReadingOptions reading;
};

Result<analyzer::Analysis> read(const AnalyzeOptions& options) {
  if (options.pages.empty())
    return read_analysis(options.paths, options.reading);
  auto csv = PagesCsv::create(options.pages);
  if (!csv)
    return fail(csv.error());
  auto analysis =
      read_analysis(options.paths, options.reading,
                    [&](const analyzer::PageRun& run) { (*csv)->add(run); });
  if (analysis && !analysis->pages)
    return fail({ErrorKind::unsupported,
                 "there is no stream whose pages could be told",
                 options.pages,
                 {}});
  if (Status written = (*csv)->close(); !written)
    return fail(written.error());
  return analysis;
}

Status print(const AnalyzeOptions& options,
             const analyzer::Analysis& analysis) {
  std::string out = options.json ? render_json(analysis).dump_pretty() + "\n"
                                 : render_text(analysis);
  return print_result(out);
}

ExitStatus analyze(const AnalyzeOptions& options) {
  auto html = ReportFile::create_where_asked(options.html);
  if (!html)
    return report(html.error());
  auto analysis = read(options);
  if (!analysis)
    return report(analysis.error());
  if (*html)
    if (auto written = (*html)->write(
            render_html(build_report({options.paths.front(), *analysis})));
        !written)
      return report(written.error());
  if (auto printed = print(options, *analysis); !printed)
    return report(printed.error());
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
  verb->add_option("--html", options->html,
                   "Also write it as an HTML page to a new FILE (see report)")
      ->type_name("FILE");
  verb->add_option("--pages", options->pages,
                   "Also write every page's sends to a new FILE, as CSV "
                   "(docs/pages-csv.md)")
      ->type_name("FILE");
  add_reading_options(*verb, options->reading);
  verb->callback(
      [options, &chosen] { chosen = [options] { return analyze(*options); }; });
}

} // namespace migscope::tools
