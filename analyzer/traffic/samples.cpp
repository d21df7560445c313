#include "analyzer/traffic/samples.h"

#include <algorithm>
#include <cmath>

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
  auto values = sorted();
  size_t half = values.size() / 2;
  return values.size() % 2 ? values[half]
                           : (values[half - 1] + values[half]) / 2;
}

std::optional<double> Samples::quantile(double q) const {
  if (kept_.empty())
    return std::nullopt;
  auto values = sorted();
  auto rank =
      static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

double Samples::share_above(double limit) const {
  if (kept_.empty())
    return 0;
  auto above =
      std::ranges::count_if(kept_, [&](double v) { return v > limit; });
  return static_cast<double>(above) / static_cast<double>(kept_.size());
}

} // namespace migscope::analyzer
