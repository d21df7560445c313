#include "analyzer/service/jitter.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace migscope::analyzer {

void Jitter::add(double transit_ms) {
  if (auto before = std::exchange(before_, transit_ms)) {
    double difference = std::fabs(transit_ms - *before);
    ++differences_;
    now_ += (difference - now_) / 16;
    sum_ += now_;
    max_ = std::max(max_, now_);
    difference_sum_ += difference;
  }
}

std::optional<double> Jitter::rfc3550_ms() const {
  return differences_ ? std::optional(now_) : std::nullopt;
}

std::optional<double> Jitter::rfc3550_mean_ms() const {
  return differences_ ? std::optional(sum_ / static_cast<double>(differences_))
                      : std::nullopt;
}

std::optional<double> Jitter::rfc3550_max_ms() const {
  return differences_ ? std::optional(max_) : std::nullopt;
}

std::optional<double> Jitter::mean_difference_ms() const {
  return differences_ ? std::optional(difference_sum_ /
                                      static_cast<double>(differences_))
                      : std::nullopt;
}

} // namespace migscope::analyzer
