#include "tools/report/build_report.h"
#include "tools/report/html.h"
#include "tools/report/report_file.h"
#include "tools/verbs/reading.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

namespace migscope::tools {
namespace {

struct ReportOptions {
  std::vector<std::string> runs;
  std::string output;
  ReadingOptions reading;
};

// A run's paths stand in one argument, with commas between. A file may have a
// comma in its name.
std::vector<std::string> paths_of(const std::string& run) {
  std::error_code ignored;
  if (std::filesystem::exists(run, ignored))
    return {run};
  return CLI::detail::split(run, ',');
}

ExitStatus report_runs(const ReportOptions& options) {
  auto file = ReportFile::create(options.output);
  if (!file)
    return report(file.error());
  std::vector<Run> runs;
  bool complete = true;
  for (const std::string& name : options.runs) {
    auto analysis = read_analysis(paths_of(name), options.reading);
    if (!analysis)
      return report(analysis.error());
    complete &= analysis->input.complete;
    runs.push_back({name, std::move(*analysis)});
  }
  ReportData data = runs.size() == 1 ? build_report(runs.front())
                                     : build_comparison(std::move(runs));
  if (auto written = file->write(render_html(data)); !written)
    return report(written.error());
  std::fprintf(stderr, "wrote %s\n", options.output.c_str());
  return complete ? ExitStatus::done : ExitStatus::incomplete;
}

} // namespace

void add_report(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* verb = app.add_subcommand(
      "report",
      "Explain a migration as an HTML page: one file that needs no "
      "network.\nSeveral RUNs are put side by side; the first is what the "
      "others are\ncompared with.\n"
      "Exit status 3 where an input is incomplete or damaged.\n\n"
      "Example:\n"
      "  migscope report run.migscope -o report.html\n"
      "  migscope report before.migscope after.migscope -o "
      "compared.html\n"
      "  migscope report main.bin,multifd-0.bin,multifd-1.bin -o "
      "report.html\n");
  verb->add_option("run", options->runs,
                   "Session directory or stream file, as `migscope analyze` "
                   "takes them; channels and sessions of one migration in one "
                   "RUN, with commas between")
      ->required()
      ->expected(1, 12)
      ->type_name("RUN");
  verb->add_option("-o,--output", options->output, "HTML file to create")
      ->required()
      ->type_name("FILE");
  add_reading_options(*verb, options->reading);
  verb->callback([options, &chosen] {
    chosen = [options] { return report_runs(*options); };
  });
}

} // namespace migscope::tools
