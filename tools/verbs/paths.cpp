#include "tools/verbs/paths.h"

namespace migscope::tools {
namespace {

// Channels of several sessions have the same names.
void name_by_session(captures::Recording& recording) {
  for (captures::RecordedChannel& channel : recording.channels)
    channel.name = (recording.path.filename() / channel.name).string();
}

} // namespace

Result<captures::Recording> open_paths(const std::vector<std::string>& paths) {
  captures::Recording out;
  for (const std::string& path : paths) {
    auto recording = captures::open_recording(path);
    if (!recording)
      return fail(recording.error());
    if (recording->manifest && paths.size() > 1)
      name_by_session(*recording);
    std::vector<captures::RecordedChannel> channels = std::move(out.channels);
    channels.insert(channels.end(), recording->channels.begin(),
                    recording->channels.end());
    bool tells_more = recording->monitor_log && !out.monitor_log;
    bool first = out.path.empty() || (recording->manifest && !out.manifest);
    if (tells_more || first)
      out = std::move(*recording);
    out.channels = std::move(channels);
  }
  return out;
}

} // namespace migscope::tools
