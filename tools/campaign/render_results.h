// A campaign's results in the forms that people and programs read.
#pragma once

#include "tools/campaign/results.h"
#include "tools/report/report_data.h"

namespace migscope::tools {

// Tables for a terminal: each measure by cell, then what differs.
[[nodiscard]] std::string results_text(const CampaignResults& results);
// Schema migscope/campaign-1.
[[nodiscard]] qmp::Json results_json(const CampaignResults& results);
// RFC 4180, a row for each cell and measure.
[[nodiscard]] std::string results_csv(const CampaignResults& results);
// A JSON object a line for each run, all with the same keys.
[[nodiscard]] std::string results_ndjson(const CampaignResults& results);
[[nodiscard]] ReportData results_report(const CampaignResults& results);

// "3 of 5", or "5".
[[nodiscard]] std::string runs_text(const CellResult& cell);
// "3 precopy, 2 postcopy"; "" of none.
[[nodiscard]] std::string
counts_text(const std::map<std::string, uint64_t>& counts);
// To four digits, or to whole numbers; "?" of none.
[[nodiscard]] std::string figure_text(std::optional<double> value);
// "2.5 to 3"; "?" of none.
[[nodiscard]] std::string
interval_text(const std::optional<analyzer::Interval>& interval);
// Set, label and rule of each, with semicolons between.
[[nodiscard]] std::string grades_text(const std::vector<MeasuredGrade>& grades);
// The coordinates of a comparison that its two cells have in common.
[[nodiscard]] std::string place_of(const analyzer::Comparison& comparison);
// What results are held against, but for the differences.
[[nodiscard]] std::string against_text(const OtherCampaign& other);
// What differs by more than noise, in a sentence.
[[nodiscard]] std::string
comparison_text(const analyzer::Comparison& comparison);

} // namespace migscope::tools
