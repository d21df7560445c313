// Many values, of which quantiles are wanted, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace migscope::analyzer {

// Values that all Samples together may still keep.
struct SampleBudget {
  size_t left = size_t{8} << 20;
};

// Keeps all values up to kMostSamples, or until the budget is spent, and a
// uniform sample of all (Vitter's algorithm R) from then on. Least and largest
// value are always of all.
class Samples {
public:
  static constexpr size_t kMostSamples = 65536;
  static constexpr size_t kFree = 128; // beside the budget

  void add(double value, SampleBudget& budget);

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] bool sampled() const { return count_ > kept_.size(); }
  [[nodiscard]] std::optional<double> min() const;
  [[nodiscard]] std::optional<double> max() const;
  // Of an even number the mean of the two in the middle.
  [[nodiscard]] std::optional<double> median() const;
  // By nearest rank.
  [[nodiscard]] std::optional<double> quantile(double q) const;
  // Which part of the values, 0 to 1, is larger.
  [[nodiscard]] double share_above(double limit) const;

private:
  [[nodiscard]] size_t random_below(uint64_t limit);
  [[nodiscard]] std::vector<double> sorted() const;

  std::vector<double> kept_;
  uint64_t count_ = 0, random_ = 0x9e3779b97f4a7c15;
  double min_ = 0, max_ = 0;
};

} // namespace migscope::analyzer
