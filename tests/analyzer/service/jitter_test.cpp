#include "analyzer/service/jitter.h"

#include <doctest/doctest.h>

using migscope::analyzer::Jitter;

TEST_CASE("one packet has no jitter") {
  Jitter jitter;
  CHECK_FALSE(jitter.mean_difference_ms());
  jitter.add(3);
  CHECK_FALSE(jitter.rfc3550_ms());
  CHECK_FALSE(jitter.rfc3550_max_ms());
  CHECK_FALSE(jitter.mean_difference_ms());
}

TEST_CASE("jitter by hand") {
  Jitter jitter;
  for (double transit : {10.0, 26.0, 10.0, 10.0})
    jitter.add(transit);
  // J: 16 / 16 = 1, then 1 + 15 / 16, then 15 / 16 of that.
  CHECK(jitter.rfc3550_ms() == doctest::Approx(1.9375 * 15 / 16));
  CHECK(jitter.rfc3550_max_ms() == doctest::Approx(1.9375));
  CHECK(jitter.rfc3550_mean_ms() ==
        doctest::Approx((1 + 1.9375 + 1.9375 * 15 / 16) / 3));
  CHECK(jitter.mean_difference_ms() == doctest::Approx(32.0 / 3));
}

TEST_CASE("clocks may be apart") {
  Jitter jitter;
  for (double transit : {-1e6, -1e6 + 2, -1e6})
    jitter.add(transit);
  CHECK(jitter.mean_difference_ms() == doctest::Approx(2));
}
