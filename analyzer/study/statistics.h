// What repeated measurements tell.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace migscope::analyzer {

struct Interval {
  double low = 0, high = 0;
};

// An empty optional is unknown: of too few values.
struct Summary {
  size_t n = 0;
  std::optional<double> mean, median, minimum, maximum;
  std::optional<double> deviation; // standard, of a sample (n - 1)
  // 95 %, by the bootstrap's percentiles of 10000 resamples. Of few values it
  // is too narrow: at n = 5 it holds the mean in about 85 of 100 cases of
  // normal values, at n = 20 in about 93.
  std::optional<Interval> mean_interval, median_interval;
};

// The same for the same values in any order, and the same seed, on every
// system. Values are finite.
[[nodiscard]] Summary summarize(std::span<const double> values, uint64_t seed);

[[nodiscard]] double median_of(std::vector<double> values); // not empty

} // namespace migscope::analyzer
