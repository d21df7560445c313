#include "tools/campaign/render_results.h"

#include <fmt/format.h>

namespace migscope::tools {
namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos)
    return text;
  std::string out = "\"";
  for (char c : text)
    out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// With as many digits as needed to read the same value back.
std::string plain(std::optional<double> value) {
  return value ? fmt::format("{}", *value) : "";
}

std::string csv_row(const CellResult& cell, const MeasureInfo& measure,
                    const CellMeasure& value) {
  std::string out;
  for (const std::string& part : cell.at)
    out += csv_field(part) + ",";
  const analyzer::Summary& s = value.summary;
  auto low = [](const auto& i) {
    return i ? std::optional(i->low) : std::nullopt;
  };
  auto high = [](const auto& i) {
    return i ? std::optional(i->high) : std::nullopt;
  };
  out += fmt::format("{},{},{}", measure.name, measure.unit, s.n);
  for (const std::optional<double>& figure :
       {s.mean, s.deviation, s.median, s.minimum, s.maximum,
        low(s.mean_interval), high(s.mean_interval), low(s.median_interval),
        high(s.median_interval)})
    out += "," + plain(figure);
  std::string grades;
  for (const MeasuredGrade& one : value.grades)
    grades += fmt::format("{}{}={}", grades.empty() ? "" : ";", one.set,
                          one.grade.label);
  return out + "," + csv_field(grades) + "\r\n";
}

} // namespace

std::string results_csv(const CampaignResults& results) {
  std::string out = "workload,memory,mode,bandwidth,measure,unit,n,mean,"
                    "deviation,median,minimum,maximum,mean_low,mean_high,"
                    "median_low,median_high,grades\r\n";
  for (const CellResult& cell : results.cells)
    for (const MeasureInfo& measure : measures())
      if (auto found = cell.measures.find(measure.name);
          found != cell.measures.end())
        out += csv_row(cell, measure, found->second);
  return out;
}

} // namespace migscope::tools
