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

// Of a cell of one campaign and the same cell of another.
inline constexpr const char* kCampaignFactor = "campaign";

// Two cells that differ in one factor alone.
struct Comparison {
  std::string measure, factor; // one of kFactors, or kCampaignFactor
  Coordinates at;              // of both, but for the factor
  std::string a, b;            // the factor's values
  size_t n_a = 0, n_b = 0;
  double median_a = 0, median_b = 0;
  RankTest test;
  double adjusted_p = 1; // by Holm, within a family: the same measure, factor
                         // and other coordinates; of two campaigns: measure
  bool larger_than_noise = false; // adjusted_p < 0.05
  // None of its family could be: there are too few runs for so many
  // comparisons.
  bool hopeless = false;
};

inline constexpr double kSignificant = 0.05;

// All pairs for which both have values, in the order of the cells.
[[nodiscard]] std::vector<Comparison>
compare_cells(const std::vector<CellValues>& cells);

// Each cell of a campaign with that of another one at the same coordinates,
// where both have values, in the order of `a`. The names are the campaigns'.
[[nodiscard]] std::vector<Comparison>
compare_campaigns(const std::vector<CellValues>& a, const std::string& name_a,
                  const std::vector<CellValues>& b, const std::string& name_b);

} // namespace migscope::analyzer
