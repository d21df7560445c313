#include "analyzer/traffic/samples.h"

#include <doctest/doctest.h>

using namespace migscope::analyzer;

TEST_CASE("nothing has no quantiles") {
  Samples samples;
  CHECK_FALSE(samples.median());
  CHECK_FALSE(samples.quantile(0.99));
  CHECK_FALSE(samples.min());
}

TEST_CASE("exact while all are kept") {
  Samples samples;
  SampleBudget budget;
  for (int i = 100; i >= 1; --i)
    samples.add(i, budget);
  CHECK_FALSE(samples.sampled());
  CHECK(samples.median() == 50.5);
  CHECK(samples.quantile(0.99) == 99);
  CHECK(samples.min() == 1);
  CHECK(samples.max() == 100);
  CHECK(samples.share_above(90) == doctest::Approx(0.1));
}

TEST_CASE("a uniform sample beyond, and exact ends") {
  Samples samples;
  SampleBudget budget;
  constexpr int kValues = 1'000'000;
  for (int i = 0; i < kValues; ++i)
    samples.add(i, budget);
  CHECK(samples.sampled());
  CHECK(samples.count() == kValues);
  CHECK(*samples.median() / kValues == doctest::Approx(0.5).epsilon(0.03));
  CHECK(*samples.quantile(0.99) / kValues ==
        doctest::Approx(0.99).epsilon(0.01));
  CHECK(samples.max() == kValues - 1);
}

TEST_CASE("a budget that is spent leaves a few of each") {
  SampleBudget budget{10};
  Samples first, second;
  for (int i = 0; i < 1000; ++i)
    first.add(i, budget);
  CHECK(budget.left == 0);
  for (size_t i = 0; i < Samples::kFree; ++i)
    second.add(1, budget);
  CHECK(first.sampled());
  CHECK_FALSE(second.sampled());
  second.add(1, budget);
  CHECK(second.sampled());
}
