// What differs between runs: tables of figures, a row for each.
#pragma once

#include "tools/report/build_report.h"

#include <span>

namespace migscope::tools {

// How a change reads: neither for what is no cost.
enum class Better { less, more, neither };

struct Figure {
  std::string name, unit;
  int digits = 1;
  Better better = Better::less;
  std::vector<std::optional<double>> values; // of each run
};

// Takes off the names the folder that all have in common, and gives it: with
// its slash, or empty.
[[nodiscard]] std::string take_folder(std::vector<Run>& runs);

// Total time, downtime, its pieces by name, rounds, pages, bytes, rates.
[[nodiscard]] std::vector<Figure> compared(std::span<const Run> runs);

// "+12.5 (+40 %)" against the first; empty where either is unknown, or nothing
// differs in the digits that are shown.
[[nodiscard]] std::string change(const Figure& figure, size_t run);

[[nodiscard]] DataTable comparison_table(std::span<const Run> runs);
// Machine, versions, capabilities, parameters: those in which runs differ.
[[nodiscard]] DataTable settings_table(std::span<const Run> runs);

} // namespace migscope::tools
