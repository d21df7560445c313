// Sets both ends up, starts a migration and follows it to its end.
#pragma once

#include "tools/recording_run.h"

namespace migscope::tools {

struct MigrationPlan {
  // Where the destination listens, as QEMU takes it ("unix:PATH").
  std::string uri;
  qmp::Json capabilities; // arguments of migrate-set-capabilities
  qmp::Json parameters;   // arguments of migrate-set-parameters
  // Where the tee listens; without it the stream is not captured.
  std::optional<Address> tee_listen;
  // After so many whole passes it goes on as postcopy: 0 as soon as it has
  // begun. The capability is among `capabilities`.
  std::optional<uint64_t> postcopy_after;
  // Cancelled where it has not ended by then.
  std::optional<Nanos> limit;
};

// `run` is attached. An error means that the migration could not be started.
// An interruption cancels the migration and is told as its outcome.
[[nodiscard]] Result<captures::Outcome>
run_migration(RecordingRun& run, const MigrationPlan& plan);

} // namespace migscope::tools
