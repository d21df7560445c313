#include "tools/stream_session.h"

#include <cerrno>
#include <sys/stat.h>

namespace migscope::tools {

Result<StreamSession> StreamSession::create(Clock& clock,
                                            std::filesystem::path path,
                                            qmp::Json options) {
  if (mkdir(path.c_str(), 0700) != 0)
    return fail_errno("create " + path.string(), errno);
  StreamSession session(clock, std::move(path));
  session.manifest_.tool_version = MIGSCOPE_VERSION;
  session.manifest_.options = std::move(options);
  session.manifest_.started = clock.now();
  auto written = captures::write_manifest(session.path_, session.manifest_);
  if (!written)
    return fail(written.error());
  return session;
}

void StreamSession::remove() const {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Status StreamSession::finish(const std::string& outcome,
                             std::vector<captures::ChannelInfo> channels) {
  manifest_.ended = clock_->now();
  manifest_.outcome = outcome;
  manifest_.channels = std::move(channels);
  return captures::write_manifest(path_, manifest_);
}

} // namespace migscope::tools
