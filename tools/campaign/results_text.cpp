#include "tools/campaign/render_results.h"

#include "base/counted.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>

namespace migscope::tools {

using analyzer::Comparison;
using analyzer::Interval;

namespace {

std::string cell_name(const analyzer::Coordinates& at) {
  return fmt::format("{}", fmt::join(at, " "));
}

// Cells of which the same is said, together.
std::string
told_by_cells(const CampaignResults& results,
              const std::function<std::string(const CellResult&)>& say) {
  std::vector<std::pair<std::string, std::vector<std::string>>> said;
  size_t cells = 0;
  for (const CellResult& cell : results.cells) {
    std::string text = say(cell);
    if (text.empty())
      continue;
    ++cells;
    auto known = std::ranges::find(said, text,
                                   [](const auto& one) { return one.first; });
    if (known == said.end())
      known = said.insert(said.end(), {text, {}});
    known->second.push_back(cell_name(cell.at));
  }
  std::string out;
  for (const auto& [text, names] : said)
    out += wrap(fmt::format("{}: {}",
                            names.size() == cells && cells > 1
                                ? "all"
                                : fmt::format("{}", fmt::join(names, ", ")),
                            text),
                2);
  return out;
}

bool has_values(const CampaignResults& results, const std::string& measure) {
  return std::ranges::any_of(results.cells, [&](const CellResult& cell) {
    return cell.measures.contains(measure);
  });
}

std::string measure_table(const CampaignResults& results,
                          const MeasureInfo& measure) {
  std::vector<Row> rows{
      {"n", "mean", "sd", "median", "95 % of the mean", heading(measure)}};
  for (const CellResult& cell : results.cells) {
    auto found = cell.measures.find(measure.name);
    if (found == cell.measures.end())
      continue;
    const analyzer::Summary& summary = found->second.summary;
    rows.push_back({fmt::format("{}", summary.n), figure_text(summary.mean),
                    figure_text(summary.deviation), figure_text(summary.median),
                    interval_text(summary.mean_interval), cell_name(cell.at)});
  }
  return "\n" + table(rows);
}

std::string measure_grades(const CampaignResults& results,
                           const MeasureInfo& measure) {
  return told_by_cells(results, [&](const CellResult& cell) {
    auto found = cell.measures.find(measure.name);
    return found == cell.measures.end() ? ""
                                        : grades_text(found->second.grades);
  });
}

std::string head(const CampaignResults& results) {
  uint64_t planned = 0, made = 0, completed = 0;
  for (const CellResult& cell : results.cells) {
    planned += cell.planned;
    made += cell.made;
    completed += cell.completed;
  }
  std::string out = wrap(
      fmt::format("{}: {} of {} made, {} completed; order by seed {}",
                  results.plan.name.empty() ? "campaign" : results.plan.name,
                  made, counted(planned, "run"), completed, results.plan.seed),
      2);
  for (const CellResult& cell : results.cells)
    if (!cell.other_outcomes.empty())
      out += wrap(fmt::format("{}: {}, which counts in no figure below",
                              cell_name(cell.at),
                              counts_text(cell.other_outcomes)),
                  2);
  return out + told_by_cells(results, [](const CellResult& cell) {
           std::string modes = counts_text(cell.actual_modes);
           return modes.empty() ? "" : "ended as " + modes;
         });
}

std::string differences(const CampaignResults& results) {
  std::string real;
  size_t noise = 0, hopeless = 0;
  for (const Comparison& one : results.comparisons) {
    if (one.larger_than_noise)
      real += wrap("- " + comparison_text(one), 2);
    else if (one.hopeless)
      ++hopeless;
    else
      ++noise;
  }
  if (results.comparisons.empty())
    return "";
  std::string out = "\nDifferences larger than noise (Mann-Whitney U, "
                    "two-sided; Holm within a family,\n5 %):\n";
  out += real.empty() ? "- none\n" : real;
  out += wrap(fmt::format("{} others are not", noise), 2);
  if (hopeless)
    out += wrap(fmt::format("{} cannot be told: too few runs for so many "
                            "comparisons to be below 5 %",
                            counted(hopeless, "difference")),
                2);
  return out;
}

std::string other_campaign(const CampaignResults& results) {
  if (!results.against)
    return "";
  std::string out = "\n" + wrap(against_text(*results.against), 2);
  for (const std::string& difference : results.against->differences)
    out += wrap("- " + difference, 2);
  return out;
}

std::string overall(const CampaignResults& results) {
  std::string out = told_by_cells(results, [](const CellResult& cell) {
    return grades_text(cell.overall);
  });
  return out.empty() ? "" : "\nOverall:\n" + out;
}

std::string sources(const CampaignResults& results) {
  std::string out = "\nCategories (of the mean):\n";
  for (const analyzer::CategorySet& set : results.sets) {
    bool empty = std::ranges::all_of(set.measures, [](const auto& measure) {
      return measure.steps.empty();
    });
    out += wrap(fmt::format("- {}: {}; {}{}", set.name, set.source, set.status,
                            empty ? "; no numbers, so nothing is graded" : ""),
                2);
  }
  return out;
}

} // namespace

std::string runs_text(const CellResult& cell) {
  return cell.completed == cell.planned
             ? fmt::format("{}", cell.completed)
             : fmt::format("{} of {}", cell.completed, cell.planned);
}

std::string figure_text(std::optional<double> value) {
  if (!value)
    return "?";
  return std::abs(*value) >= 1000 ? fmt::format("{:.0f}", *value)
                                  : fmt::format("{:.4g}", *value);
}

std::string interval_text(const std::optional<Interval>& value) {
  return value ? figure_text(value->low) + " to " + figure_text(value->high)
               : "?";
}

std::string grades_text(const std::vector<MeasuredGrade>& grades) {
  std::string out;
  for (const MeasuredGrade& one : grades)
    out += fmt::format("{}{}: {} ({})", out.empty() ? "" : "; ", one.set,
                       one.grade.label, one.grade.rule);
  return out;
}

std::string place_of(const Comparison& comparison) {
  std::string out;
  for (const std::string& part : comparison.at)
    if (!part.empty())
      out += (out.empty() ? "" : " ") + part;
  return out;
}

std::string counts_text(const std::map<std::string, uint64_t>& counts) {
  std::string out;
  for (const auto& [name, count] : counts)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count,
                       name.empty() ? "without an end" : name);
  return out;
}

std::string comparison_text(const Comparison& one) {
  auto info = std::ranges::find(measures(), one.measure, &MeasureInfo::name);
  std::string unit = info->unit.empty() ? "" : " " + info->unit;
  return fmt::format(
      "{}, {}: {} {}{}, {} {}{} (medians; shift {}{}, p {:.2g}, "
      "adjusted {:.2g})",
      info->title, place_of(one), one.a, figure_text(one.median_a), unit, one.b,
      figure_text(one.median_b), unit, one.test.shift > 0 ? "+" : "",
      figure_text(one.test.shift), one.test.p, one.adjusted_p);
}

std::string against_text(const OtherCampaign& other) {
  return fmt::format("Compared with {} ({}), adjusted over all cells of a "
                     "measure{}",
                     other.name, counted(other.cells, "cell"),
                     other.differences.empty() ? "" : "; what else differs:");
}

std::string results_text(const CampaignResults& results) {
  std::string out = head(results);
  for (const MeasureInfo& measure : measures())
    if (has_values(results, measure.name))
      out += measure_table(results, measure) + measure_grades(results, measure);
  return out + overall(results) + other_campaign(results) +
         differences(results) + sources(results);
}

} // namespace migscope::tools
