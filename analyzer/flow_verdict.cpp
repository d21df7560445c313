// What limited a stretch, from its sums.
#include "analyzer/flow.h"

#include "base/units.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::End;

// Shorter than two observations are apart says nothing.
constexpr double kShortestMs = 50;
// QEMU sends a tenth of a second's bytes at a time (migration/rate.c).
constexpr double kLimitWindowMs = 100;
// A rate this near to the limit is held back by it.
constexpr double kAtLimit = 0.85;
// A thread that wants a CPU for this share of the time is bound by it.
constexpr double kCpuBound = 0.9;
// A cause has to cover this share of the time.
constexpr double kLeastShare = 1.0 / 3;

double milliseconds(double nanoseconds) {
  return nanoseconds / 1e6;
}

void add_connections(Flow& flow, const StretchSums& sums) {
  if (sums.connections.empty())
    return;
  double bytes = 0;
  for (const auto& [channel, part] : sums.connections)
    bytes += part.bytes;
  ConnectionFlow mean;
  for (const auto& [channel, part] : sums.connections) {
    double weight = bytes > 0
                        ? part.bytes / bytes
                        : 1 / static_cast<double>(sums.connections.size());
    mean.waiting += weight * part.waiting;
    mean.blocked += weight * part.blocked;
    mean.stalled += weight * part.stalled;
    mean.working += weight * part.working;
    mean.receiver_limited += weight * part.receiver_limited;
    mean.retransmits += part.retransmits;
    mean.rtt_us = std::max(mean.rtt_us, part.rtt_us);
    mean.tcp = mean.tcp || part.tcp;
  }
  flow.blocked_ms = milliseconds(mean.blocked);
  flow.stalled_ms = milliseconds(mean.stalled);
  flow.idle_ms = milliseconds(mean.waiting);
  flow.working_ms = milliseconds(mean.working);
  flow.bytes = static_cast<uint64_t>(bytes + 0.5);
  flow.bytes_per_second = bytes / flow.duration_ms * 1e3;
  if (!mean.tcp)
    return;
  flow.receiver_limited_ms = milliseconds(mean.receiver_limited);
  flow.retransmits = mean.retransmits;
  flow.rtt_ms = static_cast<double>(mean.rtt_us) / 1e3;
}

// Of the thread that had or wanted most.
void add_threads(Flow& flow, const StretchSums& sums, End end) {
  std::optional<double> cpu, queued;
  for (const auto& [tid, share] : sums.threads[static_cast<size_t>(end)])
    if (!cpu || share.cpu + share.queued > *cpu + *queued) {
      cpu = share.cpu;
      queued = share.queued;
    }
  if (!cpu)
    return;
  double whole = flow.duration_ms * 1e6;
  *cpu = std::min(1.0, *cpu / whole);
  *queued = std::min(1.0 - *cpu, *queued / whole);
  (end == End::source ? flow.source_cpu : flow.destination_cpu) = cpu;
  (end == End::source ? flow.source_cpu_queued : flow.destination_cpu_queued) =
      queued;
}

// How long the bytes take at the limit; nothing where more came than it lets
// through, so that another one was in force.
std::optional<double> ms_at_limit(const Flow& flow,
                                  std::optional<uint64_t> limit) {
  if (limit.value_or(0) == 0 || !flow.bytes)
    return {};
  double ms =
      static_cast<double>(*flow.bytes) / static_cast<double>(*limit) * 1e3;
  if (ms > 1.1 * (flow.duration_ms + kLimitWindowMs))
    return {};
  return ms;
}

LimitedBy verdict(const Flow& flow, double at_limit_ms) {
  if (flow.duration_ms >= kLimitWindowMs &&
      at_limit_ms >= kAtLimit * flow.duration_ms)
    return LimitedBy::max_bandwidth;
  if (flow.source_cpu &&
      *flow.source_cpu + *flow.source_cpu_queued >= kCpuBound)
    return LimitedBy::source_cpu;
  if (!flow.blocked_ms)
    return LimitedBy::unknown;
  // The limit makes the source wait, too: only what it does not explain counts.
  double beyond_limit =
      flow.duration_ms - at_limit_ms - *flow.blocked_ms - *flow.stalled_ms;
  double idle = std::clamp(beyond_limit, 0.0, *flow.idle_ms);
  bool receiver = !flow.receiver_limited_ms ||
                  *flow.receiver_limited_ms >= *flow.blocked_ms / 2;
  const std::pair<double, LimitedBy> causes[] = {
      {*flow.blocked_ms,
       receiver ? LimitedBy::destination : LimitedBy::network},
      {*flow.stalled_ms, LimitedBy::storage},
      {idle, LimitedBy::source},
      {*flow.working_ms, LimitedBy::tee}};
  auto most = *std::max_element(std::begin(causes), std::end(causes));
  if (most.first >= kLeastShare * flow.duration_ms)
    return most.second;
  double at_its_limit = *flow.idle_ms - idle;
  return at_its_limit >= flow.duration_ms / 2 ? LimitedBy::max_bandwidth
                                              : LimitedBy::unknown;
}

} // namespace

std::optional<Flow> flow_of(const Stretch& stretch, const StretchSums& sums,
                            std::optional<uint64_t> limit) {
  Flow flow;
  flow.duration_ms = to_ms(stretch.end - stretch.begin);
  if (flow.duration_ms < kShortestMs)
    return {};
  add_connections(flow, sums);
  add_threads(flow, sums, End::source);
  add_threads(flow, sums, End::destination);
  if (!flow.blocked_ms && !flow.source_cpu && !flow.destination_cpu)
    return {};
  auto at_limit = ms_at_limit(flow, limit);
  if (at_limit)
    flow.max_bandwidth = limit;
  flow.limited_by = verdict(flow, at_limit.value_or(0));
  return flow;
}

std::string describe(const Flow& flow) {
  std::string out;
  if (flow.blocked_ms)
    out += fmt::format("{:.1f} ms blocked, {:.1f} stalled, {:.1f} idle of "
                       "{:.1f} ms, {:.1f} MiB/s",
                       *flow.blocked_ms, *flow.stalled_ms, *flow.idle_ms,
                       flow.duration_ms, mib(*flow.bytes_per_second));
  if (flow.blocked_ms && flow.max_bandwidth)
    out += fmt::format(" of about {:.1f} allowed", mib(*flow.max_bandwidth));
  if (flow.source_cpu)
    out += fmt::format("{}migration thread {:.0f} % on a CPU, {:.0f} % waiting "
                       "for one",
                       out.empty() ? "" : ", ", *flow.source_cpu * 100,
                       *flow.source_cpu_queued * 100);
  return out;
}

} // namespace migscope::analyzer
