#include "tools/campaign/results.h"

#include "analyzer/analyze.h"
#include "captures/sources.h"
#include "tools/campaign/folder.h"

#include <algorithm>

namespace migscope::tools {

using analyzer::Analysis;
using analyzer::CellValues;
using analyzer::Coordinates;

namespace {

Coordinates coordinates(const Plan& plan, const RunSpec& run) {
  RunNames names = names_of(plan, run);
  return {names.workload, names.memory, names.mode, names.bandwidth};
}

Result<Analysis> read_session(const std::filesystem::path& session) {
  auto recording = captures::open_recording(session);
  if (!recording)
    return fail(recording.error());
  return analyzer::analyze(*recording);
}

RunResult describe(const Plan& plan, const RunSpec& run, uint64_t order,
                   const std::filesystem::path& session,
                   const Analysis& analysis) {
  return {run_id(plan, run),
          session.string(),
          coordinates(plan, run),
          run.repetition,
          order,
          analysis.outcome.status,
          analysis.outcome.detail,
          analysis.outcome.mode,
          analysis.vm.qemu,
          analysis.input.complete,
          measure_run(analysis)};
}

Status read_runs(const std::filesystem::path& folder, CampaignResults& out,
                 const RunSink& sink) {
  uint64_t order = 0;
  for (const RunSpec& run : ordered_runs(out.plan)) {
    ++order;
    auto session = session_of(folder, run_id(out.plan, run));
    std::error_code ignored;
    if (!std::filesystem::exists(session, ignored))
      continue;
    auto analysis = read_session(session);
    if (!analysis)
      return fail(analysis.error());
    out.runs.push_back(describe(out.plan, run, order, session, *analysis));
    if (sink)
      if (auto kept = sink(out.runs.back(), *analysis); !kept)
        return kept;
  }
  return {};
}

// In the plan's own order, so that tables read as it does.
std::vector<CellResult> empty_cells(const Plan& plan) {
  std::vector<CellResult> out;
  for (size_t w = 0; w < plan.workloads.size(); ++w)
    for (size_t m = 0; m < plan.memory.size(); ++m)
      for (size_t b = 0; b < plan.bandwidths.size(); ++b)
        for (size_t mode = 0; mode < plan.modes.size(); ++mode) {
          CellResult cell;
          cell.at = coordinates(plan, {w, m, mode, b, 1});
          cell.planned = plan.repetitions;
          out.push_back(std::move(cell));
        }
  return out;
}

void count_outcomes(CellResult& cell, const std::vector<RunResult>& runs) {
  for (const RunResult& run : runs) {
    if (run.at != cell.at)
      continue;
    ++cell.made;
    if (run.outcome == "completed") {
      ++cell.completed;
      ++cell.actual_modes[run.mode_of_outcome];
    } else {
      ++cell.other_outcomes[run.outcome];
    }
  }
}

// Those of migrations that did not complete say nothing of those that do.
CellValues values_of(const CellResult& cell,
                     const std::vector<RunResult>& runs) {
  CellValues out{cell.at, {}};
  for (const RunResult& run : runs)
    if (run.at == cell.at && run.outcome == "completed")
      for (const auto& [name, value] : run.measures)
        out.measures[name].push_back(value);
  return out;
}

void grade_cell(CellResult& cell,
                const std::vector<analyzer::CategorySet>& sets) {
  for (const analyzer::CategorySet& set : sets) {
    std::vector<analyzer::Grade> grades;
    for (const analyzer::MeasureGrades& measure : set.measures) {
      auto found = cell.measures.find(measure.measure);
      if (found == cell.measures.end() || !found->second.summary.mean)
        continue;
      auto given = analyzer::grade(measure, *found->second.summary.mean);
      if (!given)
        continue;
      found->second.grades.push_back({set.name, *given});
      grades.push_back(*given);
    }
    if (auto overall = analyzer::overall_grade(set, grades))
      cell.overall.push_back({set.name, *overall});
  }
}

} // namespace

Result<CampaignResults> read_results(const std::filesystem::path& folder,
                                     std::vector<analyzer::CategorySet> more,
                                     const RunSink& sink) {
  CampaignResults out;
  out.folder = folder.string();
  auto plan = read_plan_of(folder);
  if (!plan)
    return fail(plan.error());
  out.plan = std::move(*plan);
  auto sets = analyzer::known_categories();
  if (!sets)
    return fail(sets.error());
  out.sets = std::move(*sets);
  std::ranges::move(more, std::back_inserter(out.sets));
  if (auto read = read_runs(folder, out, sink); !read)
    return fail(read.error());
  out.cells = empty_cells(out.plan);
  auto values = cell_values(out);
  for (size_t i = 0; i < out.cells.size(); ++i) {
    CellResult& cell = out.cells[i];
    count_outcomes(cell, out.runs);
    for (const auto& [name, list] : values[i].measures)
      cell.measures[name].summary = analyzer::summarize(list, out.plan.seed);
    grade_cell(cell, out.sets);
  }
  out.comparisons = analyzer::compare_cells(values);
  return out;
}

std::vector<CellValues> cell_values(const CampaignResults& results) {
  std::vector<CellValues> out;
  for (const CellResult& cell : results.cells)
    out.push_back(values_of(cell, results.runs));
  return out;
}

} // namespace migscope::tools
