#include "analyzer/study/statistics.h"

#include "analyzer/quantiles.h"
#include "base/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace migscope::analyzer {
namespace {

constexpr size_t kResamples = 10'000;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values, double mean) {
  double sum = 0;
  for (double value : values)
    sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

// 2.5 and 97.5 %.
Interval middle_of(std::vector<double> estimates) {
  std::ranges::sort(estimates);
  size_t tail = kResamples / 40;
  return {estimates[tail], estimates[kResamples - 1 - tail]};
}

void add_intervals(Summary& out, const std::vector<double>& sorted,
                   uint64_t seed) {
  SeededRandom random(seed);
  std::vector<double> means, medians, sample(sorted.size());
  for (size_t i = 0; i < kResamples; ++i) {
    for (double& value : sample)
      value = sorted[random.below(sorted.size())];
    means.push_back(mean_of(sample));
    medians.push_back(median_of(sample));
  }
  out.mean_interval = middle_of(std::move(means));
  out.median_interval = middle_of(std::move(medians));
}

} // namespace

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  return median_of_sorted(values);
}

Summary summarize(std::span<const double> values, uint64_t seed) {
  Summary out;
  out.n = values.size();
  if (values.empty())
    return out;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  out.mean = mean_of(sorted);
  out.median = median_of(sorted);
  out.minimum = sorted.front();
  out.maximum = sorted.back();
  if (sorted.size() < 2)
    return out;
  out.deviation = deviation_of(sorted, *out.mean);
  add_intervals(out, sorted, seed);
  return out;
}

} // namespace migscope::analyzer
