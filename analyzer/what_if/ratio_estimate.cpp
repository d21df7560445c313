#include "analyzer/what_if/ratio_estimate.h"

#include <algorithm>
#include <cmath>

namespace migscope::analyzer {

void RatioEstimate::add(double x, double y) {
  if (clusters_++ > 0) {
    double dx = x - last_x_, dy = y - last_y_;
    xx_ += dx * dx;
    xy_ += dx * dy;
    yy_ += dy * dy;
  }
  last_x_ = x;
  last_y_ = y;
  x_ += x;
  y_ += y;
}

double RatioEstimate::ratio() const {
  return x_ > 0 ? y_ / x_ : 0;
}

std::optional<double> RatioEstimate::standard_error(double share) const {
  if (clusters_ < 2 || x_ <= 0)
    return {};
  double r = ratio();
  double n = static_cast<double>(clusters_);
  double differences = std::max(0.0, yy_ - 2 * r * xy_ + r * r * xx_);
  double variance = (1 - share) * differences / 2 / (n - 1) / n;
  return std::sqrt(variance) / (x_ / n);
}

} // namespace migscope::analyzer
