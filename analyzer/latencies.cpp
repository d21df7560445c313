#include "analyzer/latencies.h"

#include <algorithm>
#include <bit>

namespace migscope::analyzer {
namespace {

size_t bucket(Nanos wait) {
  auto us = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(wait).count());
  return us ? static_cast<size_t>(std::bit_width(us) - 1) : 0;
}

// The smallest wait that at least `percent` of all do not exceed.
double percentile(const std::vector<Nanos>& sorted, size_t percent) {
  size_t rank = (sorted.size() * percent + 99) / 100;
  return to_ms(sorted[std::max<size_t>(rank, 1) - 1]);
}

} // namespace

Latencies latencies(std::vector<Nanos> waits) {
  Latencies out;
  out.count = waits.size();
  if (waits.empty())
    return out;
  std::ranges::sort(waits);
  out.p50_ms = percentile(waits, 50);
  out.p90_ms = percentile(waits, 90);
  out.p99_ms = percentile(waits, 99);
  out.max_ms = to_ms(waits.back());
  out.buckets.resize(bucket(waits.back()) + 1);
  for (Nanos wait : waits)
    ++out.buckets[bucket(wait)];
  return out;
}

} // namespace migscope::analyzer
