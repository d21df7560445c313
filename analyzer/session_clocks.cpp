#include "analyzer/session_clocks.h"

#include <chrono>

namespace migscope::analyzer {
namespace {

using captures::Manifest;
using captures::RecordedSession;
using captures::Recording;

// On one host since it was started, but for what its wall clock was set by.
bool same_clock(const Manifest& a, const Manifest& b) {
  constexpr Nanos kSet = std::chrono::seconds(1);
  Nanos mono = b.started.mono - a.started.mono;
  Nanos wall = b.started.wall - a.started.wall;
  return wall >= mono - kSet && wall <= mono + kSet;
}

bool is_in(const RecordedSession& session, const std::filesystem::path& file) {
  return file == session.directory / file.filename();
}

void forget_times(Recording& recording, const RecordedSession& session) {
  for (auto log :
       {&Recording::flow_log, &Recording::thread_log, &Recording::probe_log,
        &Recording::source_log, &Recording::destination_log,
        &Recording::source_console, &Recording::destination_console})
    if (recording.*log && is_in(session, *(recording.*log)))
      (recording.*log).reset();
  for (captures::RecordedChannel& channel : recording.channels)
    if (is_in(session, channel.path))
      channel.timed = false;
}

} // namespace

Recording on_one_clock(const Recording& recording, Input& input) {
  Recording out = recording;
  for (const RecordedSession& session : recording.sessions) {
    if (same_clock(*recording.manifest(), session.manifest))
      continue;
    forget_times(out, session);
    input.problems.push_back(
        {Severity::warning,
         (session.directory / "session.json").string(),
         {},
         "recorded on another host than the first session, or before a reboot "
         "or a change of its clock: its logs and the arrival times of its "
         "channels are not used"});
  }
  return out;
}

} // namespace migscope::analyzer
