#include "tools/verbs/paths.h"

#include <algorithm>

namespace migscope::tools {
namespace {

using captures::Recording;

// Files of several sessions have the same names.
void name_by_session(Recording& recording) {
  for (captures::RecordedSession& session : recording.sessions)
    session.directory = recording.path;
  if (recording.sessions.empty())
    return;
  for (captures::RecordedChannel& channel : recording.channels)
    channel.name = (recording.path / channel.name).string();
}

bool tells_more(const Recording& than, const Recording& recording) {
  return (recording.monitor_log && !than.monitor_log) ||
         (than.sessions.empty() && !recording.sessions.empty());
}

Recording join(Recording one, Recording other) {
  std::vector<captures::RecordedChannel> channels = std::move(one.channels);
  std::ranges::move(other.channels, std::back_inserter(channels));
  if (tells_more(one, other))
    std::swap(one, other);
  std::ranges::move(other.sessions, std::back_inserter(one.sessions));
  one.channels = std::move(channels);
  return one;
}

} // namespace

Result<Recording> open_paths(const std::vector<std::string>& paths) {
  std::optional<Recording> out;
  for (const std::string& path : paths) {
    auto recording = captures::open_recording(path);
    if (!recording)
      return fail(recording.error());
    if (paths.size() > 1)
      name_by_session(*recording);
    out = out ? join(std::move(*out), std::move(*recording))
              : std::move(*recording);
  }
  return std::move(out).value_or(Recording());
}

} // namespace migscope::tools
