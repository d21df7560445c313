#include "analyzer/latencies.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using std::chrono::microseconds;

TEST_CASE("percentiles are waits that were seen") {
  std::vector<Nanos> waits;
  for (int i = 100; i >= 1; --i)
    waits.push_back(std::chrono::milliseconds(i));
  Latencies out = latencies(waits);
  CHECK(out.count == 100);
  CHECK(out.p50_ms == 50);
  CHECK(out.p90_ms == 90);
  CHECK(out.p99_ms == 99);
  CHECK(out.max_ms == 100);
  CHECK(latencies({microseconds(3)}).p50_ms == doctest::Approx(0.003));
}

TEST_CASE("each bucket is twice as wide as the one before") {
  Latencies out = latencies({Nanos(1), microseconds(1), microseconds(2),
                             Nanos(3999), microseconds(4), microseconds(1024)});
  CHECK(out.buckets == std::vector<uint64_t>{2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1});
  CHECK(latencies({Nanos(kMaxTimeNs)}).buckets.size() < 64);
}

TEST_CASE("nothing has no percentiles") {
  Latencies out = latencies({});
  CHECK(out.count == 0);
  CHECK_FALSE(out.max_ms);
  CHECK(out.buckets.empty());
}
