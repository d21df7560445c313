#include "tools/report/reduce.h"

#include <algorithm>

namespace migscope::tools {
namespace {

constexpr size_t kPointsOfBucket = 5; // the four of reduced(), and a gap

// Indices of what is kept of [first, end).
std::vector<size_t> kept(const Curve& curve, size_t first, size_t end) {
  std::vector<size_t> out;
  std::optional<size_t> least, most, gap;
  std::optional<size_t> head, tail;
  for (size_t i = first; i < end; ++i) {
    if (!curve.values[i]) {
      gap = i;
      continue;
    }
    if (!head)
      head = i;
    tail = i;
    if (!least || *curve.values[i] < *curve.values[*least])
      least = i;
    if (!most || *curve.values[i] > *curve.values[*most])
      most = i;
  }
  for (auto index : {head, least, most, tail, gap})
    if (index)
      out.push_back(*index);
  std::ranges::sort(out);
  auto twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
  return out;
}

} // namespace

Curve reduced(Curve curve, size_t buckets) {
  const size_t count = curve.t_ms.size();
  if (count <= buckets * kPointsOfBucket || buckets == 0)
    return curve;
  const double begin = curve.t_ms.front();
  const double width =
      (curve.t_ms.back() - begin) / static_cast<double>(buckets);
  Curve out;
  size_t first = 0;
  for (size_t bucket = 1; bucket <= buckets; ++bucket) {
    size_t end = first;
    // The last one takes all that rounding left.
    while (end < count &&
           (bucket == buckets ||
            curve.t_ms[end] < begin + width * static_cast<double>(bucket)))
      ++end;
    for (size_t index : kept(curve, first, end)) {
      out.t_ms.push_back(curve.t_ms[index]);
      out.values.push_back(curve.values[index]);
    }
    first = end;
  }
  return out;
}

std::vector<std::pair<size_t, size_t>> grouped(size_t items, size_t most) {
  size_t step = std::max<size_t>(1, (items + most - 1) / most);
  std::vector<std::pair<size_t, size_t>> out;
  for (size_t first = 0; first < items; first += step)
    out.emplace_back(first, std::min(first + step, items));
  return out;
}

} // namespace migscope::tools
