// Which differences between the cells of a campaign are larger than noise.
#pragma once

#include "analyzer/study/rank_test.h"

#include <array>
#include <map>
#include <optional>
#include <string>

namespace migscope::analyzer {

// What a cell is: workload, memory, mode, bandwidth.
inline constexpr std::array<const char*, 4> kFactors{"workload", "memory",
                                                     "mode", "bandwidth"};
using Coordinates = std::array<std::string, kFactors.size()>;

struct CellValues {
  Coordinates at;
  std::map<std::string, std::vector<double>> measures; // by name
};

// Two cells that differ in one factor alone.
struct Comparison {
  std::string measure, factor;
  Coordinates at;   // of both, but for the factor
  std::string a, b; // the factor's values
  size_t n_a = 0, n_b = 0;
  double median_a = 0, median_b = 0;
  RankTest test;
  double adjusted_p = 1; // by Holm, within a family: the same measure, factor
                         // and other coordinates
  bool larger_than_noise = false; // adjusted_p < 0.05
  // None of its family could be: there are too few runs for so many
  // comparisons.
  bool hopeless = false;
};

inline constexpr double kSignificant = 0.05;

// All pairs for which both have values, in the order of the cells.
[[nodiscard]] std::vector<Comparison>
compare_cells(const std::vector<CellValues>& cells);

} // namespace migscope::analyzer
