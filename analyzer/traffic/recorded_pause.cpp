#include "analyzer/traffic/recorded_pause.h"

#include "analyzer/analyze.h"
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
  auto analysis =
      analyze(recording, {.reading = {.content = Content::ignored}});
  if (!analysis)
    return fail(analysis.error());
  const std::optional<PauseTimes>& pause = analysis->pause;
  if (!pause)
    return lacking("it does not tell of the guest's pause: expected STOP of "
                   "the source and RESUME of the destination");
  Timeline timeline = builder.take();
  auto stop = wall_time(timeline, pause->stop);
  auto resume = wall_time(timeline, pause->resume);
  if (!stop || !resume)
    return lacking("none of its lines has a time");
  return WallPause{*stop, *resume, pause->clock_error_ms};
}

} // namespace migscope::analyzer
