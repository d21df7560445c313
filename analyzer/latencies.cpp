#include "analyzer/latencies.h"

#include "analyzer/quantiles.h"

#include <algorithm>
#include <bit>

namespace migscope::analyzer {
namespace {

size_t bucket(Nanos wait) {
  auto us = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(wait).count());
  return us ? static_cast<size_t>(std::bit_width(us) - 1) : 0;
}

} // namespace

Latencies latencies(std::vector<Nanos> waits) {
  Latencies out;
  out.count = waits.size();
  if (waits.empty())
    return out;
  std::ranges::sort(waits);
  out.p50_ms = to_ms(nearest_rank(waits, 0.5));
  out.p90_ms = to_ms(nearest_rank(waits, 0.9));
  out.p99_ms = to_ms(nearest_rank(waits, 0.99));
  out.max_ms = to_ms(waits.back());
  out.buckets.resize(bucket(waits.back()) + 1);
  for (Nanos wait : waits)
    ++out.buckets[bucket(wait)];
  return out;
}

} // namespace migscope::analyzer
