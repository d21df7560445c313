#include "analyzer/traffic/pace.h"

#include <algorithm>
#include <utility>

namespace migscope::analyzer {
namespace {

Silence silence_of(WallTime start, Nanos length, WallTime zero,
                   const std::optional<WallPause>& pause) {
  Silence out{to_ms(start - zero), to_ms(length), {}};
  WallTime end = start + length;
  if (!pause || end <= pause->stop || start >= pause->resume)
    return out;
  WallTime stop = std::clamp(pause->stop, start, end);
  WallTime resume = std::clamp(pause->resume, start, end);
  out.split = {to_ms(stop - start), to_ms(resume - stop), to_ms(end - resume)};
  return out;
}

} // namespace

double silence_limit_ms(double median_gap_ms) {
  return std::max(kSilenceMedians * median_gap_ms, kSilenceMs);
}

void Pace::add(WallTime at, SampleBudget& budget) {
  auto before = std::exchange(newest_, at);
  if (!before)
    return;
  newest_ = std::max(at, *before);
  Gap gap{*newest_ - *before, *before};
  gaps_.add(to_ms(gap.length), budget);
  if (gaps_.count() == 1 || gap.length > longest_.length)
    longest_ = gap;
  if (to_ms(gap.length) > kSilenceMs)
    keep(gap);
}

void Pace::keep(const Gap& gap) {
  kept_.push_back(gap);
  std::ranges::push_heap(kept_, longer);
  if (kept_.size() <= kMostSilences)
    return;
  std::ranges::pop_heap(kept_, longer);
  dropped_ = std::max(dropped_, kept_.back().length);
  kept_.pop_back();
}

void Pace::tell(TrafficDirection& out, WallTime zero,
                const std::optional<WallPause>& pause) const {
  if (gaps_.count() == 0)
    return;
  out.median_gap_ms = gaps_.median();
  out.gaps_sampled = gaps_.sampled();
  out.longest = silence_of(longest_.start, longest_.length, zero, pause);
  double limit = silence_limit_ms(*out.median_gap_ms);
  bool steady =
      gaps_.count() >= kPaceGaps && gaps_.share_above(limit) * kPaceShare <= 1;
  if (!steady)
    return;
  auto sorted = kept_;
  std::ranges::sort(sorted, {}, &Gap::start);
  out.silences.emplace();
  for (const Gap& gap : sorted)
    if (to_ms(gap.length) > limit)
      out.silences->push_back(silence_of(gap.start, gap.length, zero, pause));
  out.silences_cut = to_ms(dropped_) > limit;
}

} // namespace migscope::analyzer
