#include "analyzer/time_series.h"

#include <algorithm>
#include <span>

namespace migscope::analyzer {
namespace {

using qmp::MigrationStatus;

// QEMU counts target pages of 4 KiB on all that it migrates but for a few
// boards; query-migrate tells their size where it is another.
constexpr uint64_t kUsualPageSize = 4096;

SamplePoint point(const Sample& sample, MonoTime zero, uint64_t page_size) {
  const qmp::MigrationInfo& info = sample.info;
  SamplePoint out;
  out.t_ms = to_ms(sample.answered - zero);
  out.status = info.status.value_or(MigrationStatus::unknown);
  out.expected_downtime_ms = info.expected_downtime_ms;
  out.throttle_percent = info.cpu_throttle_percentage;
  if (!info.ram)
    return out;
  out.remaining_bytes = info.ram->remaining;
  out.transferred_bytes = info.ram->transferred;
  out.mbps = info.ram->mbps;
  if (info.ram->dirty_pages_rate)
    out.dirty_bytes_per_second =
        static_cast<double>(*info.ram->dirty_pages_rate) *
        static_cast<double>(info.ram->page_size.value_or(page_size));
  return out;
}

std::vector<StatusTime> statuses(const Timeline& timeline,
                                 const std::vector<SamplePoint>& samples,
                                 MonoTime zero) {
  std::vector<StatusTime> out;
  for (const StatusMark& status : timeline.source_statuses)
    out.push_back(
        {status.status, to_ms(timeline.source_clock.at(status.mark) - zero)});
  if (!out.empty())
    return out;
  for (const SamplePoint& sample : samples)
    if (out.empty() || out.back().status != sample.status)
      out.push_back({sample.status, sample.t_ms});
  return out;
}

// Whoever starts a migration sets its parameters before, so the first reply
// since it began tells of what it began with; older ones count where there is
// none.
std::vector<LimitTime> limits(const Timeline& timeline, MonoTime zero) {
  std::span<const ParametersMark> marks = timeline.parameters;
  auto before = static_cast<size_t>(std::ranges::count_if(
      marks, [&](const ParametersMark& mark) { return mark.answered < zero; }));
  if (before < marks.size())
    marks = marks.subspan(before);
  else if (!marks.empty())
    marks = marks.last(1);
  std::vector<LimitTime> out;
  const qmp::MigrationParameters* last = nullptr;
  for (const ParametersMark& mark : marks) {
    if (last && *last == mark.values)
      continue;
    last = &mark.values;
    auto bandwidth = mark.values.max_bandwidth;
    if (bandwidth == 0u)
      bandwidth.reset();
    out.push_back({to_ms(mark.answered - zero), mark.values.downtime_limit_ms,
                   bandwidth});
  }
  return out;
}

} // namespace

TimeSeries time_series(const Timeline& timeline, std::optional<MonoTime> zero,
                       const std::vector<SyncMark>& syncs,
                       std::optional<uint32_t> page_size) {
  TimeSeries out;
  if (!zero)
    return out;
  for (const Sample& sample : own_samples(timeline))
    if (sample.info.status.value_or(MigrationStatus::none) !=
        MigrationStatus::none)
      out.samples.push_back(
          point(sample, *zero, page_size.value_or(kUsualPageSize)));
  for (const SyncMark& sync : syncs)
    out.passes.push_back({sync.number, to_ms(sync.latest - *zero)});
  out.statuses = statuses(timeline, out.samples, *zero);
  out.limits = limits(timeline, *zero);
  if (timeline.stop)
    out.stop_ms = to_ms(timeline.source_clock.at(*timeline.stop) - *zero);
  if (timeline.resume)
    out.resume_ms =
        to_ms(timeline.destination_clock.at(*timeline.resume) - *zero);
  return out;
}

} // namespace migscope::analyzer
