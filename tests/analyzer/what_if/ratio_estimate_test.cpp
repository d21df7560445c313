#include "analyzer/what_if/ratio_estimate.h"

#include <cmath>
#include <doctest/doctest.h>
#include <random>

using namespace migscope::analyzer;

TEST_CASE("a ratio and its error, reckoned by hand") {
  RatioEstimate sample;
  CHECK(sample.ratio() == 0);
  sample.add(4, 2);
  CHECK(sample.ratio() == 0.5);
  CHECK_FALSE(sample.standard_error(0));
  sample.add(6, 2);
  sample.add(2, 2);
  CHECK(sample.clusters() == 3);
  CHECK(sample.ratio() == 0.5);
  // Residuals 0, -1, 1; their differences' squares 1 + 4, variance 5/4; mean of
  // x 4.
  CHECK(*sample.standard_error(0) == doctest::Approx(std::sqrt(1.25 / 3) / 4));
  CHECK(*sample.standard_error(0.75) ==
        doctest::Approx(std::sqrt(0.25 * 1.25 / 3) / 4));
  CHECK(*sample.standard_error(1) == 0);
}

TEST_CASE("where all clusters are alike there is no error") {
  RatioEstimate sample;
  for (int i = 1; i < 50; ++i)
    sample.add(100.0 * i, 31.0 * i);
  CHECK(sample.ratio() == doctest::Approx(0.31));
  CHECK(*sample.standard_error(0) < 1e-6);
}

TEST_CASE("what differs between the halves of a whole is no error") {
  RatioEstimate sample;
  for (int i = 0; i < 100; ++i)
    sample.add(100, i < 50 ? 100 : 0);
  CHECK(sample.ratio() == 0.5);
  CHECK(*sample.standard_error(0) < 0.01); // 0.05 for a random sample
}

TEST_CASE("two standard errors hold the truth in 95 of 100 samples") {
  std::mt19937 random(7);
  std::lognormal_distribution<double> packed(3, 0.5);
  const double truth = std::exp(3 + 0.125) / 100;
  int held = 0;
  for (int i = 0; i < 1000; ++i) {
    RatioEstimate sample;
    for (int k = 0; k < 60; ++k)
      sample.add(100, packed(random));
    held += std::abs(sample.ratio() - truth) <= 2 * *sample.standard_error(0);
  }
  CHECK(held > 920);
  CHECK(held < 980);
}
