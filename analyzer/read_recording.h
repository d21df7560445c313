// Reads all channels of a recording into a consumer of their events.
#pragma once

#include "analyzer/problem_log.h"
#include "captures/migration_reader.h"

namespace migscope::analyzer {

// A recording's path, kind, and what its manifests say of damage.
[[nodiscard]] Input input_of(const captures::Recording& recording);

// A recording whose channels are open.
struct OpenRecording {
  std::vector<captures::OpenChannel> channels;
  size_t main = 0;
  // Names of channels that the sessions' manifests say nothing came on.
  std::vector<std::string> silent;

  [[nodiscard]] std::vector<std::string> names() const;
};

// Fails where there is no main channel to read.
[[nodiscard]] Result<OpenRecording>
open_recording(const captures::Recording& recording);

// Reads to the end. The result tells of the channels alone: how many, bytes,
// damage (problems, complete). `log` is `events`, or what they are passed on
// to.
[[nodiscard]] Input read_all(OpenRecording& recording,
                             captures::StreamEvents& events,
                             const ProblemLog& log,
                             const captures::ReadOptions& options = {});

// All in one.
[[nodiscard]] Result<Input>
read_recording(const captures::Recording& recording, ProblemLog& log,
               const captures::ReadOptions& options = {});

} // namespace migscope::analyzer
