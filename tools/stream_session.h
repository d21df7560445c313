// A session that holds a stream only: what `tee` and `capture` write.
#pragma once

#include "captures/session/manifest.h"

namespace migscope::tools {

class StreamSession {
public:
  // Creates the directory, which must not exist, and its manifest.
  [[nodiscard]] static Result<StreamSession>
  create(Clock& clock, std::filesystem::path path, qmp::Json options);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // There was no stream: frees the name for the next try.
  void remove() const;
  // Writes how it ended.
  [[nodiscard]] Status finish(const std::string& outcome,
                              std::vector<captures::ChannelInfo> channels);

private:
  StreamSession(Clock& clock, std::filesystem::path path)
      : clock_(&clock), path_(std::move(path)) {}

  Clock* clock_;
  std::filesystem::path path_;
  captures::Manifest manifest_;
};

} // namespace migscope::tools
