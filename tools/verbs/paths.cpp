#include "tools/verbs/paths.h"

#include <algorithm>

namespace migscope::tools {
namespace {

using captures::Recording;

// Files of several paths may have the same names.
void name_by_path(Recording& recording) {
  for (captures::RecordedSession& session : recording.sessions)
    session.directory = recording.path;
  bool bare = recording.sessions.empty();
  for (captures::RecordedChannel& channel : recording.channels)
    channel.name =
        (bare ? recording.path : recording.path / channel.name).string();
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
  if (one.monitor_log && other.monitor_log)
    one.unread_monitor_logs.push_back(*other.monitor_log);
  for (auto log : {&Recording::monitor_log, &Recording::flow_log,
                   &Recording::thread_log, &Recording::probe_log,
                   &Recording::source_log, &Recording::destination_log,
                   &Recording::source_console, &Recording::destination_console})
    if (!(one.*log))
      one.*log = other.*log;
  std::ranges::move(other.sessions, std::back_inserter(one.sessions));
  one.channels = std::move(channels);
  return one;
}

} // namespace

bool reads_once(const std::string& path) {
  std::error_code ignored;
  auto status = std::filesystem::status(path, ignored);
  return path == "-" || std::filesystem::is_fifo(status) ||
         std::filesystem::is_socket(status) ||
         std::filesystem::is_character_file(status);
}

Status check_once(const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    if (reads_once(path) && std::ranges::count(paths, path) > 1)
      return fail({ErrorKind::usage,
                   "it is given twice, and can be read only once",
                   path,
                   {}});
  return {};
}

Result<Recording> open_paths(const std::vector<std::string>& paths) {
  if (Status sound = check_once(paths); !sound)
    return fail(sound.error());
  std::optional<Recording> out;
  for (const std::string& path : paths) {
    auto recording = captures::open_recording(path);
    if (!recording)
      return fail(recording.error());
    if (paths.size() > 1)
      name_by_path(*recording);
    out = out ? join(std::move(*out), std::move(*recording))
              : std::move(*recording);
  }
  return std::move(out).value_or(Recording());
}

} // namespace migscope::tools
