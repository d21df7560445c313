#include "tools/report/compare.h"

#include "tools/render/text_layout.h"
#include "tools/report/cells.h"
#include "tools/report/sections.h"
#include "tools/report/verdict.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kMostPieces = 24;

using Value = std::optional<double>;

template <typename T>
Value number(const std::optional<T>& value) {
  return value ? Value(static_cast<double>(*value)) : Value();
}

Value in_mib(Value bytes) {
  return bytes ? Value(*bytes / (1 << 20)) : bytes;
}

template <typename Get>
Value of_ram(const Analysis& analysis, Get get) {
  return analysis.ram ? Value(static_cast<double>(get(*analysis.ram)))
                      : Value();
}

Value mean_rate(const Analysis& analysis) {
  return analysis.flow ? in_mib(analysis.flow->bytes_per_second) : Value();
}

Value most_throttled(const Analysis& analysis) {
  Value out;
  for (const SamplePoint& sample : analysis.time_series.samples)
    if (sample.throttle_percent)
      out = std::max(out.value_or(0),
                     static_cast<double>(*sample.throttle_percent));
  return out;
}

Value piece(const Analysis& analysis, const std::string& name) {
  Value out;
  for (const PauseBar& bar : waterfall(analysis.downtime).bars)
    if (bar.name == name)
      out = out.value_or(0) + bar.duration_ms;
  return out;
}

// In the order of the pause, of all runs together.
std::vector<std::string> piece_names(std::span<const Run> runs) {
  std::vector<std::string> out;
  for (const Run& run : runs)
    for (const PauseBar& bar : waterfall(run.analysis.downtime).bars)
      if (std::ranges::find(out, bar.name) == out.end() &&
          out.size() < kMostPieces)
        out.push_back(bar.name);
  return out;
}

struct Measure {
  const char* name;
  const char* unit;
  int digits;
  Better better;
  Value (*of)(const Analysis&);
};

const Measure kMeasures[] = {
    {"total time", "ms", 0, Better::less,
     [](const Analysis& a) { return a.outcome.total_ms; }},
    {"downtime", "ms", 1, Better::less,
     [](const Analysis& a) { return a.downtime.total_ms; }},
    {"QEMU's downtime", "ms", 0, Better::less,
     [](const Analysis& a) { return a.downtime.qemu_ms; }},
    {"the guest felt", "ms", 1, Better::less,
     [](const Analysis& a) {
       return a.downtime.guest ? Value(a.downtime.guest->ms) : Value();
     }},
};

const Measure kMoreMeasures[] = {
    {"rounds", "", 0, Better::less,
     [](const Analysis& a) {
       return a.rounds.empty() ? Value()
                               : Value(static_cast<double>(a.rounds.size()));
     }},
    {"stream", "MiB", 1, Better::less,
     [](const Analysis& a) {
       return a.input.bytes ? in_mib(static_cast<double>(a.input.bytes))
                            : Value();
     }},
    {"pages sent again", "", 0, Better::less,
     [](const Analysis& a) {
       return of_ram(a, [](const Ram& r) { return r.totals.resent_pages; });
     }},
    {"of these unchanged", "", 0, Better::neither,
     [](const Analysis& a) {
       return a.ram ? number(a.ram->totals.same_content_resends) : Value();
     }},
    {"zero pages", "", 0, Better::neither,
     [](const Analysis& a) {
       return of_ram(a, [](const Ram& r) { return r.totals.zero; });
     }},
    {"RAM in the pause", "MiB", 2, Better::less,
     [](const Analysis& a) {
       return a.stop_and_copy
                  ? in_mib(static_cast<double>(a.stop_and_copy->bytes))
                  : Value();
     }},
    {"device state", "KiB", 1, Better::less,
     [](const Analysis& a) {
       return a.stop_and_copy
                  ? Value(static_cast<double>(a.stop_and_copy->device_bytes) /
                          1024)
                  : Value();
     }},
    {"mean rate", "MiB/s", 1, Better::more, mean_rate},
    {"guest throttled, at most", "%", 0, Better::less, most_throttled},
};

Figure measured(const Measure& measure, std::span<const Run> runs) {
  Figure out{measure.name, measure.unit, measure.digits, measure.better, {}};
  for (const Run& run : runs)
    out.values.push_back(measure.of(run.analysis));
  return out;
}

bool is_known(const Figure& figure) {
  return std::ranges::any_of(figure.values,
                             [](const Value& v) { return v.has_value(); });
}

std::vector<Column> columns_of(std::span<const Run> runs, const char* first) {
  std::vector<Column> out{{first, false}};
  for (const Run& run : runs)
    out.push_back({run.name});
  return out;
}

std::string words(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items)
    out += (out.empty() ? "" : " ") + item;
  return out.empty() ? "none" : out;
}

const LimitTime* last_limit(const Analysis& analysis) {
  const auto& limits = analysis.time_series.limits;
  return limits.empty() ? nullptr : &limits.back();
}

std::string bandwidth(const Analysis& analysis) {
  const LimitTime* limit = last_limit(analysis);
  if (!limit)
    return "?";
  return limit->max_bandwidth ? format_bytes(*limit->max_bandwidth) + "/s"
                              : "no limit";
}

std::string downtime_limit(const Analysis& analysis) {
  const LimitTime* limit = last_limit(analysis);
  return limit ? figure(limit->downtime_limit_ms) + " ms" : "?";
}

// Less than that is how two runs of the same differ.
bool is_worth_a_mark(const Figure& figure, size_t run) {
  constexpr double kShare = 0.01;
  const double base = *figure.values.front();
  return std::abs(*figure.values[run] - base) >= kShare * std::abs(base);
}

} // namespace

std::string take_folder(std::vector<Run>& runs) {
  std::string_view common = runs.front().name;
  for (const Run& run : runs) {
    auto differs = std::ranges::mismatch(common, run.name).in1;
    common = common.substr(0, static_cast<size_t>(differs - common.begin()));
  }
  const std::string folder(common.substr(0, common.rfind('/') + 1));
  for (Run& run : runs)
    run.name.erase(0, folder.size());
  return folder;
}

std::vector<Figure> compared(std::span<const Run> runs) {
  std::vector<Figure> out;
  for (const Measure& measure : kMeasures)
    out.push_back(measured(measure, runs));
  for (const std::string& name : piece_names(runs)) {
    Figure figure{"pause: " + name, "ms", 2, Better::less, {}};
    for (const Run& run : runs)
      figure.values.push_back(piece(run.analysis, name));
    out.push_back(std::move(figure));
  }
  for (const Measure& measure : kMoreMeasures)
    out.push_back(measured(measure, runs));
  std::erase_if(out, [](const Figure& figure) { return !is_known(figure); });
  return out;
}

std::string change(const Figure& figure, size_t run) {
  const Value& base = figure.values.front();
  const Value& value = figure.values[run];
  if (run == 0 || !base || !value)
    return "";
  const double difference = *value - *base;
  const double unit = std::pow(10, -figure.digits);
  if (std::abs(difference) < unit / 2)
    return "";
  std::string out = fmt::format("{:+.{}f}", difference, figure.digits);
  if (*base > 0)
    out += fmt::format(" ({:+.0f} %)", 100 * difference / *base);
  return out;
}

DataTable comparison_table(std::span<const Run> runs) {
  DataTable out{"Figures, and what differs from " + runs.front().name,
                columns_of(runs, "figure"),
                {}};
  out.folds = false;
  std::vector<Cell> outcomes{word("outcome")};
  for (const Run& run : runs)
    outcomes.push_back(word(run.analysis.outcome.status));
  out.rows.push_back(std::move(outcomes));
  for (const Figure& figure : compared(runs)) {
    double most = 0;
    for (const Value& value : figure.values)
      most = std::max(most, value.value_or(0));
    std::vector<Cell> row{word(
        figure.unit.empty() ? figure.name
                            : fmt::format("{}, {}", figure.name, figure.unit))};
    for (size_t i = 0; i < figure.values.size(); ++i) {
      Cell cell = decimal(figure.values[i], figure.digits);
      if (figure.values[i])
        cell = bar(std::move(cell), *figure.values[i], most);
      if (std::string changed = change(figure, i); !changed.empty()) {
        bool less = *figure.values[i] < *figure.values[0];
        cell.change = changed;
        if (figure.better != Better::neither && is_worth_a_mark(figure, i))
          cell.tone =
              less == (figure.better == Better::less) ? Tone::good : Tone::bad;
      }
      row.push_back(std::move(cell));
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

DataTable settings_table(std::span<const Run> runs) {
  DataTable out{
      "Settings in which they differ", columns_of(runs, "setting"), {}};
  auto add = [&](const char* name,
                 const std::function<std::string(const Analysis&)>& of) {
    std::vector<Cell> row{word(name)};
    for (const Run& run : runs)
      row.push_back(word(of(run.analysis)));
    if (std::ranges::any_of(row.begin() + 2, row.end(), [&](const Cell& cell) {
          return cell.text != row[1].text;
        }))
      out.rows.push_back(std::move(row));
  };
  add("kind", [](const Analysis& a) { return a.outcome.mode; });
  add("machine", [](const Analysis& a) { return a.vm.machine.value_or("?"); });
  add("source", [](const Analysis& a) { return a.vm.qemu.value_or("?"); });
  add("destination",
      [](const Analysis& a) { return a.vm.destination_qemu.value_or("?"); });
  add("capabilities",
      [](const Analysis& a) { return words(a.vm.capabilities); });
  add("max-bandwidth, at the end", bandwidth);
  add("downtime-limit, at the end", downtime_limit);
  if (out.rows.empty())
    out.note = "None of those that were recorded.";
  return out;
}

namespace {

Section comparison_section(std::span<const Run> runs) {
  Section out{"comparison", "Side by side", "", "", {}, {}};
  out.lead = fmt::format("Differences are against {}. A figure that is not "
                         "known of a run is \"?\" there.",
                         runs.front().name);
  out.tables = {comparison_table(runs), settings_table(runs)};
  return out;
}

// Every run's findings, under its name.
Section all_findings(std::span<const Run> runs) {
  Section out{"findings", "Findings", "", "", {}, {}};
  for (const Run& run : runs)
    for (FindingText finding : findings_section(run.analysis).findings) {
      finding.run = run.name;
      out.findings.push_back(std::move(finding));
    }
  return out;
}

Section all_problems(std::span<const Run> runs) {
  Section out{"problems", "Problems of the inputs", "", "", {}, {}};
  for (const Run& run : runs)
    for (DataTable table :
         problems_section(run.analysis, 100 / runs.size()).tables) {
      table.caption = run.name;
      out.tables.push_back(std::move(table));
    }
  if (out.tables.empty())
    out.lead = "None: the inputs are complete and could be read.";
  return out;
}

} // namespace

ReportData build_comparison(std::vector<Run> runs) {
  ReportData out;
  const std::string folder = take_folder(runs);
  out.title = fmt::format("{} runs compared", runs.size());
  for (const Run& run : runs) {
    out.subtitle += (out.subtitle.empty() ? "" : " · ") + run.name;
    out.verdicts.push_back(verdict(run.analysis));
    ChartData& charts = out.charts.emplace_back();
    charts.name = run.name;
    charts.waterfall = waterfall(run.analysis.downtime);
    if (charts.waterfall->bars.empty())
      charts.waterfall.reset();
    // Together as many points as a report of one run has, or little more.
    charts.timeline =
        timeline(run.analysis, kTimelineBuckets * 2 / runs.size());
  }
  if (!folder.empty())
    out.subtitle += ", in " + folder;
  auto has = [&](auto member) {
    return std::ranges::any_of(out.charts, [&](const ChartData& charts) {
      return (charts.*member).has_value();
    });
  };
  out.sections.push_back(comparison_section(runs));
  if (has(&ChartData::waterfall))
    out.sections.push_back({"downtime",
                            "The pauses, aligned at STOP",
                            "All on one axis; the table above has the figures.",
                            "waterfall",
                            {},
                            {}});
  if (has(&ChartData::timeline))
    out.sections.push_back({"timeline",
                            "The migrations in time",
                            "Each from its own beginning on.",
                            "overlay",
                            {},
                            {}});
  out.sections.push_back(all_findings(runs));
  out.sections.push_back(all_problems(runs));
  return out;
}

} // namespace migscope::tools
