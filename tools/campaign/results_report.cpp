#include "tools/campaign/render_results.h"
#include "tools/report/cells.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using analyzer::Comparison;

namespace {

Cell number(std::optional<double> value) {
  return word(figure_text(value));
}

// Of a cell, within its scenario: what has only one value in the plan says
// nothing.
std::string label_of(const Plan& plan, const CellResult& cell) {
  std::string out;
  if (plan.memory.size() > 1)
    out += cell.at[1] + " ";
  if (plan.bandwidths.size() > 1)
    out += cell.at[3] + " ";
  return out + cell.at[2];
}

std::vector<double> values_of(const CampaignResults& results,
                              const CellResult& cell,
                              const std::string& measure) {
  std::vector<double> out;
  for (const RunResult& run : results.runs)
    if (run.at == cell.at && run.outcome == "completed")
      if (auto found = run.measures.find(measure); found != run.measures.end())
        out.push_back(found->second);
  return out;
}

DotChart chart_of(const CampaignResults& results, const std::string& workload,
                  const MeasureInfo& measure) {
  DotChart out{measure.title, measure.unit, {}};
  for (const CellResult& cell : results.cells) {
    auto found = cell.measures.find(measure.name);
    if (cell.at[0] != workload || found == cell.measures.end())
      continue;
    const analyzer::Summary& summary = found->second.summary;
    DotGroup group{label_of(results.plan, cell),
                   values_of(results, cell, measure.name),
                   summary.mean,
                   {},
                   {}};
    if (summary.mean_interval) {
      group.low = summary.mean_interval->low;
      group.high = summary.mean_interval->high;
    }
    out.groups.push_back(std::move(group));
  }
  return out;
}

DataTable measure_table(const CampaignResults& results,
                        const std::string& workload,
                        const MeasureInfo& measure) {
  DataTable out;
  out.caption = heading(measure);
  out.columns = {{"cell", false},
                 {"n"},
                 {"mean"},
                 {"sd"},
                 {"median"},
                 {"95 % of the mean"},
                 {"95 % of the median"},
                 {"category of the mean", false, true}};
  for (const CellResult& cell : results.cells) {
    auto found = cell.measures.find(measure.name);
    if (cell.at[0] != workload || found == cell.measures.end())
      continue;
    const analyzer::Summary& s = found->second.summary;
    out.rows.push_back({word(label_of(results.plan, cell)), count(s.n),
                        number(s.mean), number(s.deviation), number(s.median),
                        word(interval_text(s.mean_interval)),
                        word(interval_text(s.median_interval)),
                        word(grades_text(found->second.grades))});
  }
  return out;
}

DataTable runs_table(const CampaignResults& results,
                     const std::string& workload) {
  DataTable out;
  out.caption = "runs and overall categories";
  out.columns = {{"cell", false},
                 {"completed", false},
                 {"ended as", false},
                 {"ended otherwise", false},
                 {"overall", false, true}};
  for (const CellResult& cell : results.cells) {
    if (cell.at[0] != workload)
      continue;
    out.rows.push_back({word(label_of(results.plan, cell)),
                        word(runs_text(cell)),
                        word(counts_text(cell.actual_modes)),
                        word(counts_text(cell.other_outcomes)),
                        word(grades_text(cell.overall))});
  }
  return out;
}

Section scenario(const CampaignResults& results, const Workload& workload) {
  Section out;
  out.id = workload.name;
  out.title = "Scenario " + workload.name;
  out.lead = workload.source + " Words: " + workload.words;
  out.tables.push_back(runs_table(results, workload.name));
  for (const MeasureInfo& measure : measures()) {
    DotChart chart = chart_of(results, workload.name, measure);
    if (chart.groups.empty())
      continue;
    out.dots.push_back(std::move(chart));
    out.tables.push_back(measure_table(results, workload.name, measure));
  }
  return out;
}

Section differences(const CampaignResults& results) {
  Section out;
  out.id = "differences";
  out.title = "What differs by more than noise";
  out.lead = "Mann-Whitney U, two-sided, exact for up to 60 runs; adjusted by "
             "Holm within a family: the same measure, factor and other "
             "coordinates. Larger than noise: adjusted p below 0.05.";
  if (results.against) {
    out.lead += " " + against_text(*results.against);
    for (const std::string& difference : results.against->differences)
      out.findings.push_back({"info", difference, "the two plans and runs"});
  }
  DataTable table;
  table.caption = "all comparisons";
  table.columns = {{"measure", false}, {"at", false},     {"a", false},
                   {"b", false},       {"median a"},      {"median b"},
                   {"shift a - b"},    {"Cliff's delta"}, {"p"},
                   {"adjusted p"},     {"verdict", false}};
  for (const Comparison& one : results.comparisons) {
    if (one.larger_than_noise)
      out.findings.push_back(
          {"info", comparison_text(one), "Mann-Whitney U, Holm"});
    table.rows.push_back(
        {word(one.measure), word(place_of(one)), word(one.a), word(one.b),
         number(one.median_a), number(one.median_b), number(one.test.shift),
         number(one.test.delta), number(one.test.p), number(one.adjusted_p),
         word(one.larger_than_noise ? "larger than noise"
              : one.hopeless        ? "too few runs"
                                    : "not")});
  }
  out.tables.push_back(std::move(table));
  return out;
}

Section categories(const CampaignResults& results) {
  Section out;
  out.id = "categories";
  out.title = "Categories and their sources";
  DataTable table;
  table.caption = "sets of categories";
  table.columns = {{"set", false},
                   {"title", false, true},
                   {"status", false},
                   {"source", false, true}};
  for (const analyzer::CategorySet& set : results.sets) {
    table.rows.push_back(
        {word(set.name), word(set.title), word(set.status), word(set.source)});
    if (!set.note.empty())
      out.findings.push_back({"info", set.note, set.source, set.name});
  }
  out.tables.push_back(std::move(table));
  return out;
}

Section all_runs(const CampaignResults& results) {
  Section out;
  out.id = "runs";
  out.title = "Every run";
  out.lead = "In the order in which they were made, which the seed gives. Each "
             "has a session: `migscope report` explains it.";
  DataTable table;
  table.caption = "runs";
  table.columns = {{"order"}, {"run", false}, {"outcome", false}};
  for (const MeasureInfo& measure : measures())
    table.columns.push_back({measure.name});
  for (const RunResult& run : results.runs) {
    std::vector<Cell> row{count(run.order), word(run.id), word(run.outcome)};
    for (const MeasureInfo& measure : measures()) {
      auto found = run.measures.find(measure.name);
      row.push_back(found == run.measures.end() ? word("")
                                                : number(found->second));
    }
    table.rows.push_back(std::move(row));
  }
  out.tables.push_back(std::move(table));
  return out;
}

VerdictText verdict(const CampaignResults& results) {
  uint64_t planned = 0, completed = 0;
  for (const CellResult& cell : results.cells) {
    planned += cell.planned;
    completed += cell.completed;
  }
  auto real = std::ranges::count_if(results.comparisons,
                                    &Comparison::larger_than_noise);
  VerdictText out;
  out.tone = completed == planned ? Tone::good : Tone::warning;
  out.first = fmt::format("{} of {} migrations completed.", completed, planned);
  out.second = fmt::format("{} of {} differences between cells are larger than "
                           "noise.",
                           real, results.comparisons.size());
  return out;
}

} // namespace

ReportData results_report(const CampaignResults& results) {
  ReportData out;
  out.title = "Campaign " + results.plan.name;
  out.subtitle = fmt::format("{} runs planned a cell, order by seed {}",
                             results.plan.repetitions, results.plan.seed);
  out.verdicts.push_back(verdict(results));
  for (const Workload& workload : results.plan.workloads)
    out.sections.push_back(scenario(results, workload));
  out.sections.push_back(differences(results));
  out.sections.push_back(categories(results));
  out.sections.push_back(all_runs(results));
  return out;
}

} // namespace migscope::tools
