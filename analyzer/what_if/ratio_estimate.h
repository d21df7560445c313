// A ratio of two sums, from a sample of clusters of unequal size that are taken
// evenly from one end of the whole to the other.
#pragma once

#include <cstdint>
#include <optional>

namespace migscope::analyzer {

// The ratio estimator of survey sampling, sum of y over sum of x, with its
// standard error by the differences of successive clusters' residuals (Wolter,
// Introduction to Variance Estimation, systematic sampling, v2): what differs
// from end to end, but not between neighbours, is no error of such a sample.
class RatioEstimate {
public:
  void add(double x, double y);

  [[nodiscard]] uint64_t clusters() const { return clusters_; }
  // 0 where there is nothing in the sample.
  [[nodiscard]] double ratio() const;
  // `share` is how much of the whole the sample is, 0 to 1: of the whole there
  // is no error. Unknown with fewer than two clusters.
  [[nodiscard]] std::optional<double> standard_error(double share) const;

private:
  uint64_t clusters_ = 0;
  double last_x_ = 0, last_y_ = 0;
  double x_ = 0, y_ = 0;            // sums
  double xx_ = 0, xy_ = 0, yy_ = 0; // of products of the differences
};

} // namespace migscope::analyzer
