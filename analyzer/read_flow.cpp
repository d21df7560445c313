#include "analyzer/read_flow.h"

#include "analyzer/flow.h"

namespace migscope::analyzer {
namespace {

using captures::Recording;

MonoTime after(MonoTime zero, double ms) {
  return zero + from_ms(ms);
}

// Of those rounds whose times are known, in order. `owners` says whose each
// is.
std::vector<Stretch> stretches_of(const std::vector<Round>& rounds,
                                  MonoTime zero, std::vector<size_t>& owners) {
  std::vector<Stretch> out;
  for (size_t i = 0; i < rounds.size(); ++i) {
    const Round& round = rounds[i];
    if (!round.start_ms || !round.duration_ms)
      continue;
    Stretch stretch{after(zero, *round.start_ms),
                    after(zero, *round.start_ms + *round.duration_ms)};
    if (!out.empty() && stretch.begin < out.back().end)
      stretch.begin = out.back().end; // rounding
    if (stretch.end < stretch.begin)
      continue;
    out.push_back(stretch);
    owners.push_back(i);
  }
  return out;
}

std::vector<Stretch> one(std::optional<MonoTime> begin,
                         std::optional<MonoTime> end) {
  if (!begin || !end || *end <= *begin)
    return {};
  return {{*begin, *end}};
}

void note(Analysis& analysis, const std::string& file, const Status& read,
          const std::optional<Error>& torn) {
  if (!read)
    add_problem(analysis.input, Severity::warning, file, read.error());
  else if (torn)
    add_problem(analysis.input, Severity::warning, file, *torn);
}

// Reads both logs into all sums.
void read_logs(Analysis& analysis, const Recording& recording,
               std::span<FlowSums> sums) {
  auto add = [&](const auto& line) {
    for (FlowSums& to : sums)
      to.add(line);
  };
  std::optional<Error> torn;
  if (recording.flow_log) {
    Status read = captures::read_flow_log(*recording.flow_log, add, &torn);
    note(analysis, recording.name_of(*recording.flow_log), read, torn);
  }
  torn.reset();
  if (recording.thread_log) {
    Status read = captures::read_thread_log(*recording.thread_log, add, &torn);
    note(analysis, recording.name_of(*recording.thread_log), read, torn);
  }
}

// The newest that was said by the middle of the stretch.
std::optional<uint64_t> limit_in(const Timeline& timeline,
                                 const Stretch& stretch) {
  std::optional<uint64_t> out;
  MonoTime middle = stretch.begin + (stretch.end - stretch.begin) / 2;
  for (const ParametersMark& mark : timeline.parameters)
    if (!out || mark.answered <= middle)
      out = mark.values.max_bandwidth;
  return out;
}

// Of a transfer that began at `zero`: what all replies since then agree on.
std::optional<uint64_t> limit_since(const Timeline& timeline, MonoTime zero) {
  std::optional<uint64_t> out;
  for (const ParametersMark& mark : timeline.parameters) {
    if (mark.answered < zero)
      continue;
    if (out && *out != mark.values.max_bandwidth)
      return {};
    out = mark.values.max_bandwidth;
  }
  return out;
}

std::optional<Flow> only(const FlowSums& sums, std::optional<uint64_t> limit) {
  if (sums.sums().empty())
    return {};
  return flow_of(sums.stretches()[0], sums.sums()[0], limit);
}

} // namespace

void read_flows(Analysis& analysis, const Recording& recording,
                const Timeline& timeline, const PauseMarks& pause,
                std::optional<MonoTime> zero, bool limited) {
  if (!zero || (!recording.flow_log && !recording.thread_log))
    return;
  std::vector<size_t> owners;
  auto end = pause.stream_end ? pause.stream_end : pause.completed;
  FlowSums sums[] = {
      {stretches_of(analysis.rounds, *zero, owners), timeline.vcpu_threads},
      {one(pause.stop, end), timeline.vcpu_threads},
      {one(zero, end), timeline.vcpu_threads}};
  read_logs(analysis, recording, sums);
  auto limit = [&](const Stretch& stretch) -> std::optional<uint64_t> {
    // QEMU lifts its limit with the guest stopped.
    if (!limited || (pause.stop && stretch.end > *pause.stop))
      return {};
    return limit_in(timeline, stretch);
  };
  for (size_t i = 0; i < sums[0].sums().size(); ++i) {
    const Stretch& stretch = sums[0].stretches()[i];
    analysis.rounds[owners[i]].flow =
        flow_of(stretch, sums[0].sums()[i], limit(stretch));
  }
  analysis.pause_flow = only(sums[1], {});
  analysis.flow =
      only(sums[2], limited ? limit_since(timeline, *zero) : std::nullopt);
}

} // namespace migscope::analyzer
