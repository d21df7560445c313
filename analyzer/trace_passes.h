// QEMU's own trace of its dirty-bitmap syncs, put to the passes and rounds that
// they begin.
#pragma once

#include "analyzer/rounds.h"

namespace migscope::analyzer {

// For each of `marks` the sync that it tells of, the final one too; null where
// the source's trace does not have it, or does not tell which it is. Points
// into `timeline`.
[[nodiscard]] std::vector<const TracedSync*>
traced_syncs(const std::vector<SyncMark>& marks, const Timeline& timeline);

[[nodiscard]] TracedPass traced_pass(const TracedSync& sync);

// What decided over the pass is all known.
[[nodiscard]] bool is_decided(const TracedSync* sync);

// Of `replies` the parameters that the traced threshold was computed with: it
// is up to 100 ms old, and they may have been changed since. Without a limit
// where none of them gives that threshold.
[[nodiscard]] qmp::MigrationParameters
in_force(const std::vector<qmp::MigrationParameters>& replies,
         const TracedSync& sync);

// What rounds' syncs took and found. `rounds` are all that there were.
void take_syncs(std::vector<Round>& rounds, const std::vector<SyncMark>& marks,
                const Timeline& timeline);

} // namespace migscope::analyzer
