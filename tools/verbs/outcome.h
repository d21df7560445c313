// How a verb that recorded a migration ends.
#pragma once

#include "tools/exit_status.h"
#include "tools/recording_run.h"

namespace migscope::tools {

// The migration ended with `outcome`: finishes the recording, says what
// happened and how to go on. A recording is done whatever the migration came
// to, but incomplete where the monitor was lost.
[[nodiscard]] ExitStatus conclude(RecordingRun& run, const std::string& path,
                                  const captures::Outcome& outcome);
// The same where the migration was the user's aim: done means completed.
[[nodiscard]] ExitStatus conclude_migration(RecordingRun& run,
                                            const std::string& path,
                                            const captures::Outcome& outcome);

// There was no migration to follow: turns off what trace was turned on, removes
// the recording, so that its name is free for the next try, and reports the
// error.
[[nodiscard]] ExitStatus abandon(std::unique_ptr<RecordingRun> run,
                                 const std::string& path, const Error& error);

} // namespace migscope::tools
