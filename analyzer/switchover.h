// "Why not yet?": QEMU's own test of whether a pass may switch over, done again
// for every pass with what the monitor said at its sync.
//
// QEMU (migration/migration.c, migration_update_counters and
// migration_iteration_run, 7.2 to 11.1) goes on while
//
//   pending >= bandwidth x downtime-limit        (10.1 and later: >)
//
// bandwidth is that of the last window of 100 ms, 0 before the first has ended,
// or avail-switchover-bandwidth (8.2) where that is set. It is as the limit was
// when the window ended. pending is first what is known to be dirty; only when
// that is little enough the bitmap is synced, a new pass begins, and what is
// left after the sync decides. So a sync stands for each time that QEMU thought
// of switching over, but for those of auto-converge's timer (9.2 and later),
// which come whatever is left. With nothing left up to 10.0 it switches
// without a sync. With switchover-ack (8.1) the destination has to agree,
// too, while the guest runs.
//
// What can differ from QEMU's figures: a sample comes later than the sync, so
// its `remaining` is at most what was left at it; devices other than RAM (VFIO,
// dirty bitmaps) are in `remaining` of 11.1 only. QEMU's own trace has the very
// figures that it compared; where it is there they are taken.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/rounds.h"

namespace migscope::analyzer {

// Of the passes with the guest running, in order. `by_command`: postcopy, where
// migrate-start-postcopy ends the last of them, whatever is left.
[[nodiscard]] std::vector<PassCheck>
check_passes(const std::vector<SyncMark>& marks, const Timeline& timeline,
             bool by_command);

// Whether the figures are QEMU's own, of its trace.
[[nodiscard]] bool is_by_trace(const PassCheck& check);

// Whether what is left in this pass's sample is what was left at its sync.
[[nodiscard]] bool is_after_sync(const PassCheck& check);

// What is left, what was allowed and what would have been needed.
[[nodiscard]] std::string describe(const PassCheck& check);

} // namespace migscope::analyzer
