// Reads all channels of a recording into a consumer of their events.
#pragma once

#include "analyzer/problem_log.h"
#include "captures/migration_reader.h"

namespace migscope::analyzer {

// Adds what the manifest itself says of damage.
void check_manifest(const captures::Manifest& manifest, Input& input);

// A recording whose channels are open.
struct OpenRecording {
  std::vector<captures::OpenChannel> channels;
  size_t main = 0;
  Input input; // path, kind, and what the manifest says
};

// Fails where there is no main channel to read.
[[nodiscard]] Result<OpenRecording>
open_recording(const captures::Recording& recording);

// Reads to the end. Damage is told in the result (problems, complete). `log` is
// `events`, or what they are passed on to.
[[nodiscard]] Input read_all(OpenRecording& recording,
                             captures::StreamEvents& events,
                             const ProblemLog& log,
                             const captures::ReadOptions& options = {});

// Both in one.
[[nodiscard]] Result<Input>
read_recording(const captures::Recording& recording, ProblemLog& log,
               const captures::ReadOptions& options = {});

} // namespace migscope::analyzer
