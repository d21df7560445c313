#include "tools/verbs/paths.h"

namespace migscope::tools {

Result<captures::Recording> open_paths(const std::vector<std::string>& paths) {
  captures::Recording out;
  for (const std::string& path : paths) {
    auto recording = captures::open_recording(path);
    if (!recording)
      return fail(recording.error());
    if (recording->manifest && out.manifest)
      return fail({ErrorKind::usage,
                   "a second session: several paths are the channels of one "
                   "migration",
                   path,
                   {}});
    std::vector<captures::RecordedChannel> channels = std::move(out.channels);
    channels.insert(channels.end(), recording->channels.begin(),
                    recording->channels.end());
    if (out.path.empty() || recording->manifest)
      out = std::move(*recording);
    out.channels = std::move(channels);
  }
  return out;
}

} // namespace migscope::tools
