#include "analyzer/traffic/recorded_pause.h"

#include "analyzer/host_clocks.h"
#include "analyzer/timeline.h"

#include <algorithm>
#include <cstdlib>

namespace migscope::analyzer {
namespace {

// By the reading of both clocks that is nearest.
std::optional<WallTime> wall_time(const Timeline& timeline, MonoTime at) {
  auto away = [&](const ClockReading& reading) {
    return std::abs((reading.mono - at).count());
  };
  auto nearest = std::ranges::min_element(timeline.readings, {}, away);
  if (nearest == timeline.readings.end())
    return std::nullopt;
  return nearest->wall + (at - nearest->mono);
}

std::optional<double> error_of_both(const Timeline& timeline) {
  auto stop = timeline.source_clock.error_at(*timeline.stop);
  auto resume = timeline.destination_clock.error_at(*timeline.resume);
  if (!stop || !resume)
    return std::nullopt;
  return to_ms(*stop + *resume);
}

bool is_local(const std::optional<captures::EndInfo>& end) {
  return end && end->local;
}

} // namespace

Result<WallPause> recorded_pause(const captures::Recording& recording) {
  auto lacking = [&](const char* what) {
    return fail({ErrorKind::usage, what, recording.path.string(), {}});
  };
  if (!recording.monitor_log || !recording.manifest())
    return lacking("there is no monitor's log in it: expected a recording of "
                   "a migration, which tells of STOP and RESUME");
  TimelineBuilder builder;
  std::optional<Error> torn; // what is before it counts
  auto read = captures::read_monitor_log(
      *recording.monitor_log,
      [&](const captures::MonitorLine& line) { builder.add(line); }, &torn);
  if (!read)
    return fail(read.error());
  Timeline timeline = builder.take();
  if (!timeline.stop || !timeline.resume)
    return lacking("it does not tell of the guest's pause: expected STOP of "
                   "the source and RESUME of the destination");
  (void)find_clocks(timeline, is_local(recording.manifest()->source),
                    is_local(recording.manifest()->destination), {});
  auto stop = wall_time(timeline, timeline.source_clock.at(*timeline.stop));
  auto resume =
      wall_time(timeline, timeline.destination_clock.at(*timeline.resume));
  if (!stop || !resume)
    return lacking("none of its lines has a time");
  return WallPause{*stop, *resume, error_of_both(timeline)};
}

} // namespace migscope::analyzer
