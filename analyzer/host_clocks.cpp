#include "analyzer/host_clocks.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using Kind = ClockBound::Kind;
using qmp::MigrationStatus;
using Bounds = std::vector<ClockBound>;

bool has_time(const std::optional<EventMark>& mark) {
  return mark && mark->emitted.ns > 0 && is_plausible(mark->emitted.ns);
}

// The tee sees a byte after it was written, and passes it on after that.
void add_stream(Bounds& source, Bounds& destination, const Timeline& timeline,
                const StreamTimes& stream) {
  const auto& [marks, chunks] = stream;
  if (chunks.empty())
    return;
  std::vector<WallTime> setups;
  for (const StatusMark& status : timeline.source_statuses)
    if (status.status == MigrationStatus::setup && has_time(status.mark))
      setups.push_back(status.mark.emitted);
  if (setups.size() == 1) // else another migration's
    source.push_back({Kind::not_after, setups.front(), chunks.front().arrival,
                      "MIGRATION setup", "the first byte at the tee"});
  if (!marks.eof)
    return; // it was cut off: who knows what the events are of
  auto pause = marks.switchover;
  auto begun = pause ? captures::arrival_of(chunks, *pause) : std::nullopt;
  if (has_time(timeline.stop) && begun)
    source.push_back({Kind::not_after, timeline.stop->emitted, *begun, "STOP",
                      "the pause's first byte at the tee"});
  auto end = captures::arrival_of(chunks, *marks.eof);
  if (has_time(timeline.resume) && end)
    destination.push_back({Kind::not_before, timeline.resume->emitted, *end,
                           "RESUME", "the end-of-stream byte at the tee"});
}

std::optional<ClockLimits> limits_of(const EventMark& mark, bool local,
                                     const ClockMap& clock,
                                     const Bounds& bounds) {
  if (local)
    return ClockLimits{clock.at(mark), clock.at(mark), {}, {}};
  return ClockOffset(bounds).at(mark.emitted);
}

HostClock describe_clock(const ClockOffset& offset, const EventMark& mark) {
  HostClock out;
  if (offset.contradiction()) {
    const auto& [after, before] = *offset.contradiction();
    out.contradiction = fmt::format("not before ({}) and not after ({}) do "
                                    "not go together",
                                    describe(after), describe(before));
  }
  auto limits = offset.at(mark.emitted);
  if (!limits)
    return out;
  // Our wall clock at that time.
  auto ahead = [&](MonoTime ours) {
    WallTime wall = mark.arrival.wall + (ours - mark.arrival.mono);
    return to_ms(mark.emitted - wall);
  };
  out.offset_low_ms = ahead(limits->high);
  out.offset_high_ms = ahead(limits->low);
  out.low_evidence = describe(limits->high_bound);
  out.high_evidence = describe(limits->low_bound);
  if (auto drift = offset.drift()) {
    out.drift_low_ppm = drift->first * 1e6;
    out.drift_high_ppm = drift->second * 1e6;
  }
  return out;
}

HostClock local_clock() {
  HostClock out;
  out.local = true;
  out.offset_low_ms = out.offset_high_ms = 0;
  out.low_evidence = out.high_evidence = "the monitor is on the recording host";
  return out;
}

// One end's clock from its bounds; empty where no event of it has a stamp.
std::optional<HostClock> settle(ClockMap& clock, bool local,
                                const ClockEvidence& evidence,
                                const Bounds& bounds,
                                const std::optional<EventMark>& wanted,
                                const char* name) {
  bool is_wanted = has_time(wanted);
  const auto& mark = is_wanted ? wanted : evidence.newest();
  if (!mark)
    return local ? std::optional(local_clock()) : std::nullopt;
  HostClock out;
  if (local) {
    out = local_clock();
  } else {
    ClockOffset offset(bounds);
    out = describe_clock(offset, *mark);
    clock = ClockMap::bounded(std::move(offset));
  }
  out.at = is_wanted ? name : "the last event";
  return out;
}

} // namespace

Clocks find_clocks(Timeline& timeline, bool source_local,
                   bool destination_local, const StreamTimes& stream) {
  if (source_local)
    timeline.source_clock = ClockMap::local(timeline.readings);
  if (destination_local)
    timeline.destination_clock = ClockMap::local(timeline.readings);
  Bounds source = timeline.source_evidence.bounds();
  Bounds destination = timeline.destination_evidence.bounds();
  add_stream(source, destination, timeline, stream);
  const auto &stop = timeline.stop, &resume = timeline.resume;
  if (has_time(stop) && has_time(resume) && !timeline.source_resume) {
    auto stopped =
        limits_of(*stop, source_local, timeline.source_clock, source);
    auto resumed = limits_of(*resume, destination_local,
                             timeline.destination_clock, destination);
    // Else it is the RESUME of something else.
    if (stopped && resumed && stopped->low <= resumed->high) {
      source.push_back({Kind::not_after, stop->emitted, resumed->high, "STOP",
                        "the destination's RESUME"});
      destination.push_back({Kind::not_before, resume->emitted, stopped->low,
                             "RESUME", "the source's STOP"});
    }
  }
  return {settle(timeline.source_clock, source_local, timeline.source_evidence,
                 source, stop, "STOP"),
          settle(timeline.destination_clock, destination_local,
                 timeline.destination_evidence, destination, resume, "RESUME")};
}

} // namespace migscope::analyzer
