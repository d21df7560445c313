// Quantiles of values that are in ascending order; there is one at the least.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace migscope::analyzer {

// By nearest rank: the smallest value that at least the part `q` of all, 0 to
// 1, do not exceed.
template <typename T>
[[nodiscard]] const T& nearest_rank(const std::vector<T>& sorted, double q) {
  auto rank =
      static_cast<size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

// Of an even number the mean of the two in the middle.
[[nodiscard]] inline double
median_of_sorted(const std::vector<double>& sorted) {
  size_t half = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[half]
                           : (sorted[half - 1] + sorted[half]) / 2;
}

} // namespace migscope::analyzer
