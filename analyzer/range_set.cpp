#include "analyzer/range_set.h"

#include <algorithm>
#include <iterator>

namespace migscope::analyzer {

void RangeSet::remove(uint64_t start, uint64_t end) {
  if (start >= end)
    return;
  auto at = ranges_.upper_bound(start);
  if (at != ranges_.begin() && std::prev(at)->second > start)
    --at;
  while (at != ranges_.end() && at->first < end) {
    auto [first, last] = *at;
    bytes_ -= std::min(last, end) - std::max(first, start);
    at = ranges_.erase(at);
    if (first < start)
      ranges_.emplace(first, start);
    if (last > end)
      ranges_.emplace(end, last);
  }
}

void RangeSet::add(uint64_t start, uint64_t end) {
  if (start >= end)
    return;
  remove(start, end);
  bytes_ += end - start;
  auto after = ranges_.lower_bound(start);
  if (after != ranges_.end() && after->first == end) {
    end = after->second;
    after = ranges_.erase(after);
  }
  if (after != ranges_.begin() && std::prev(after)->second == start)
    std::prev(after)->second = end;
  else
    ranges_.emplace(start, end);
}

} // namespace migscope::analyzer
