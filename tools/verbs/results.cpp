#include "tools/campaign/render_results.h"
#include "tools/report/html.h"
#include "tools/report/report_file.h"
#include "tools/verbs/campaign_results.h"
#include "tools/verbs/printing.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>

namespace migscope::tools {
namespace {

struct ResultsOptions {
  ResultsSource source;
  std::string html, sqlite;
  bool json = false, csv = false, ndjson = false;
};

std::string printed(const ResultsOptions& options,
                    const CampaignResults& results) {
  if (options.json)
    return results_json(results).dump_pretty() + "\n";
  if (options.csv)
    return results_csv(results);
  return options.ndjson ? results_ndjson(results) : results_text(results);
}

ExitStatus show_results(const ResultsOptions& options) {
  auto html = ReportFile::create_where_asked(options.html);
  if (!html)
    return report(html.error());
  auto results = campaign_results(options.source, options.sqlite);
  if (!results)
    return report(results.error());
  if (*html)
    if (auto written = (*html)->write(render_html(results_report(*results)));
        !written)
      return report(written.error());
  if (auto done = print_result(printed(options, *results)); !done)
    return report(done.error());
  return ExitStatus::done;
}

} // namespace

void add_results(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<ResultsOptions>();
  CLI::App* verb = app.add_subcommand(
      "results",
      "Tell what a campaign has measured so far.\n\n"
      "Example:\n"
      "  migscope results study\n"
      "  migscope results study --against earlier\n"
      "  migscope results study --csv > study.csv\n"
      "  migscope results study --html study.html --sqlite study.sqlite\n");
  verb->add_option("folder", options->source.folder, "Folder of a campaign")
      ->required()
      ->type_name("FOLDER");
  auto* json =
      verb->add_flag("--json", options->json, "Print JSON (docs/campaign.md)");
  auto* csv = verb->add_flag("--csv", options->csv,
                             "Print CSV, a row for each cell and measure");
  auto* ndjson = verb->add_flag("--ndjson", options->ndjson,
                                "Print a JSON object a line for each run");
  csv->excludes(json);
  ndjson->excludes(json)->excludes(csv);
  verb->add_option("--html", options->html,
                   "Also write an HTML page with graphs to a new FILE")
      ->type_name("FILE");
  verb->add_option("--sqlite", options->sqlite,
                   "Also write all of it to an SQLite FILE, which is replaced")
      ->type_name("FILE");
  verb->add_option("--against", options->source.against,
                   "Also compare each cell with that of another campaign")
      ->type_name("FOLDER");
  declare_categories(*verb, options->source.categories);
  verb->callback([options, &chosen] {
    chosen = [options] { return show_results(*options); };
  });
}

} // namespace migscope::tools
