#include "analyzer/clock_map.h"

#include <algorithm>
#include <chrono>

namespace migscope::analyzer {
namespace {

// A local event's own arrival tells best how the two clocks stand.
MonoTime by_arrival(const EventMark& mark) {
  Nanos on_the_way = mark.arrival.wall - mark.emitted;
  // A wall clock that was set in between tells nothing.
  if (on_the_way < Nanos(0) || on_the_way > std::chrono::minutes(1))
    return mark.arrival.mono;
  return mark.arrival.mono + -on_the_way;
}

} // namespace

ClockMap ClockMap::local(std::vector<ClockReading> readings) {
  ClockMap out;
  out.local_ = true;
  out.readings_ = std::move(readings);
  std::ranges::stable_sort(out.readings_, {}, &ClockReading::wall);
  return out;
}

ClockMap ClockMap::bounded(ClockOffset offset) {
  ClockMap out;
  out.offset_ = std::move(offset);
  return out;
}

std::optional<MonoTime> ClockMap::at(WallTime stamp) const {
  if (offset_) {
    auto limits = offset_->at(stamp);
    if (!limits)
      return {};
    return limits->low + (limits->high - limits->low) / 2;
  }
  if (readings_.empty())
    return {};
  auto next =
      std::ranges::lower_bound(readings_, stamp, {}, &ClockReading::wall);
  const ClockReading& near = next == readings_.end() ? readings_.back() : *next;
  Nanos away = stamp - near.wall;
  if (std::chrono::abs(away) > std::chrono::hours(24 * 365))
    return {}; // no time of this recording
  return near.mono + away;
}

std::optional<Nanos> ClockMap::error_at(WallTime stamp) const {
  if (offset_) {
    auto limits = offset_->at(stamp);
    if (!limits)
      return {};
    // The middle is rounded down.
    return (limits->high - limits->low + Nanos(1)) / 2;
  }
  return local_ ? std::optional(Nanos(0)) : std::nullopt;
}

MonoTime ClockMap::at(const EventMark& mark) const {
  if (local_)
    return by_arrival(mark);
  auto mapped = mark.emitted.ns > 0 ? at(mark.emitted) : std::nullopt;
  return mapped.value_or(mark.arrival.mono);
}

std::optional<Nanos> ClockMap::error_at(const EventMark& mark) const {
  if (!local_ && mark.emitted.ns == 0)
    return {}; // QEMU could not read its clock
  return error_at(mark.emitted);
}

} // namespace migscope::analyzer
