#include "base/counted.h"
#include "tools/campaign/executor.h"
#include "tools/campaign/render_results.h"
#include "tools/progress.h"
#include "tools/report/html.h"
#include "tools/verbs/campaign_results.h"
#include "tools/verbs/printing.h"
#include "tools/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>

namespace migscope::tools {
namespace {

struct CampaignOptions {
  std::string plan, output;
  std::vector<std::string> categories;
};

// A file, or a plan that comes with the program.
Result<Plan> load_plan(const std::string& name) {
  std::error_code ignored;
  // A folder may well have the name of the plan that it is of.
  if (std::filesystem::exists(name, ignored) &&
      !std::filesystem::is_directory(name, ignored)) {
    auto text = read_small_file(name);
    return text ? parse_plan(*text, name) : fail(text.error());
  }
  if (auto preset = preset_plan(name))
    return parse_plan(*preset, name);
  return fail({ErrorKind::usage,
               fmt::format("there is no such file, nor a plan of that name: {}",
                           fmt::join(preset_names(), ", ")),
               name,
               {}});
}

// The runs of modes that there are.
std::vector<RunSpec>
possible_runs(const Plan& plan,
              const std::map<std::string, std::string>& refused,
              Progress& progress) {
  for (const auto& [mode, reason] : refused)
    progress.notice(fmt::format("mode {} is left out: {}", mode, reason));
  std::vector<RunSpec> out;
  for (const RunSpec& run : ordered_runs(plan))
    if (!refused.contains(plan.modes[run.mode].name))
      out.push_back(run);
  return out;
}

Result<CampaignOutcome> make_campaign(const Plan& plan, CampaignFolder& folder,
                                      Progress& progress) {
  SystemClock clock;
  EventLoop loop;
  std::map<std::string, std::string> refused;
  if (!plan.hooks) {
    auto asked = refused_modes(loop, clock, plan, folder.scratch());
    if (!asked)
      return fail(asked.error());
    refused = std::move(*asked);
  }
  std::error_code error;
  auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    return fail_errno("find our own program", error.value());
  return make_runs(loop, clock, folder, plan,
                   possible_runs(plan, refused, progress), program.string(),
                   [&](const std::string& text) { progress.show(text); });
}

// They are made of the sessions, so they can be made again.
Status write_derived(const std::filesystem::path& file,
                     const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out)
    return fail(ErrorKind::io, "cannot write " + file.string());
  return {};
}

Status write_all(const std::filesystem::path& folder,
                 const CampaignResults& results) {
  for (const auto& [name, text] :
       {std::pair("results.json", results_json(results).dump_pretty() + "\n"),
        std::pair("results.csv", results_csv(results)),
        std::pair("results.ndjson", results_ndjson(results)),
        std::pair("results.html", render_html(results_report(results)))})
    if (auto written = write_derived(folder / name, text); !written)
      return written;
  return {};
}

ExitStatus tell(const CampaignOptions& options,
                const CampaignOutcome& outcome) {
  std::filesystem::path folder = options.output;
  auto results = campaign_results({options.output, options.categories, ""},
                                  folder / "results.sqlite");
  if (!results)
    return report(results.error());
  if (auto written = write_all(folder, *results); !written)
    return report(written.error());
  if (auto printed = print_result(results_text(*results)); !printed)
    return report(printed.error());
  fmt::print(stderr,
             "wrote results.json, .csv, .ndjson, .html, .sqlite in {}\n",
             folder.string());
  for (const RunFailure& failure : outcome.failures)
    fmt::print(stderr, "migscope: {}: {}\n", failure.id, failure.reason);
  auto lacking = static_cast<uint64_t>(
      std::ranges::count(outcome.failures, false, &RunFailure::has_session));
  if (lacking > 0)
    fmt::print(stderr,
               "migscope: {} could not be made; the same command tries again\n",
               counted(lacking, "run"));
  return outcome.failures.empty() ? ExitStatus::done : ExitStatus::failed;
}

ExitStatus run_campaign(const CampaignOptions& options) {
  auto plan = load_plan(options.plan);
  if (!plan)
    return report(plan.error());
  // Before hours of runs.
  if (auto sets = read_categories(options.categories); !sets)
    return report(sets.error());
  // Nobody else makes runs or tells of them meanwhile.
  auto folder = CampaignFolder::open(options.output, *plan);
  if (!folder)
    return report(folder.error());
  Progress progress;
  auto outcome = make_campaign(*plan, **folder, progress);
  progress.end();
  if (!outcome)
    return report(outcome.error());
  if (outcome->interrupted) {
    fmt::print(stderr,
               "migscope: interrupted; {} are there, and the same command goes "
               "on\n",
               counted(outcome->found + outcome->made, "run"));
    return ExitStatus::interrupted;
  }
  return tell(options, *outcome);
}

} // namespace

void add_campaign(CLI::App& app, Verb& chosen) {
  auto options = std::make_shared<CampaignOptions>();
  CLI::App* verb = app.add_subcommand(
      "campaign",
      "Measure migrations again and again, as a plan says, and tell what\n"
      "differs by more than noise. Stopped at any moment, the same command\n"
      "goes on. PLAN is a file (docs/campaign.md), or one of game, video,\n"
      "thesis.\n\n"
      "Example:\n"
      "  migscope campaign thesis -o study\n"
      "  migscope campaign plan.toml -o study\n");
  verb->add_option("plan", options->plan, "What to measure")
      ->required()
      ->type_name("PLAN");
  verb->add_option("-o,--output", options->output,
                   "Folder to create, or to go on in")
      ->required()
      ->type_name("FOLDER");
  declare_categories(*verb, options->categories);
  verb->callback([options, &chosen] {
    chosen = [options] { return run_campaign(*options); };
  });
}

} // namespace migscope::tools
