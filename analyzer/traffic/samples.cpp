#include "analyzer/traffic/samples.h"

#include "analyzer/quantiles.h"

#include <algorithm>

namespace migscope::analyzer {

void Samples::add(double value, SampleBudget& budget) {
  min_ = count_ ? std::min(min_, value) : value;
  max_ = count_ ? std::max(max_, value) : value;
  ++count_;
  bool paid = kept_.size() >= kFree;
  // Once some are left out, all later ones have to take their chance.
  if (kept_.size() + 1 == count_ && kept_.size() < kMostSamples &&
      (!paid || budget.left > 0)) {
    budget.left -= paid;
    kept_.push_back(value);
    return;
  }
  uint64_t place = random_below(count_);
  if (place < kept_.size())
    kept_[place] = value;
}

// xorshift64*: the same file gives the same figures every time.
size_t Samples::random_below(uint64_t limit) {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return (random_ * 0x2545f4914f6cdd1d >> 11) % limit;
}

std::optional<double> Samples::min() const {
  return count_ ? std::optional(min_) : std::nullopt;
}

std::optional<double> Samples::max() const {
  return count_ ? std::optional(max_) : std::nullopt;
}

std::vector<double> Samples::sorted() const {
  std::vector<double> out = kept_;
  std::ranges::sort(out);
  return out;
}

std::optional<double> Samples::median() const {
  if (kept_.empty())
    return std::nullopt;
  return median_of_sorted(sorted());
}

std::optional<double> Samples::quantile(double q) const {
  if (kept_.empty())
    return std::nullopt;
  return nearest_rank(sorted(), q);
}

double Samples::share_above(double limit) const {
  if (kept_.empty())
    return 0;
  auto above =
      std::ranges::count_if(kept_, [&](double v) { return v > limit; });
  return static_cast<double>(above) / static_cast<double>(kept_.size());
}

} // namespace migscope::analyzer
