// Rounds: the runs of RAM sections between two dirty-bitmap syncs.
//
//   sync 1        sync 2    sync 3            final sync (guest stopped)
//   |  PART PART PART |  PART  |  (nothing sent)  |  END  |
//   |    round 1      | round 2|     round 3      | round 4
//
// No QEMU marks a sync in the stream. What is known (QEMU migration/ram.c, 7.2
// to 11.1): a sync falls only between two RAM sections; a page is sent at most
// once between two syncs; END is the last round. Live, MIGRATION_PASS or a
// rising dirty-sync-count tells that a sync happened and when, and a section
// whose first byte had arrived by then was written before it. The reverse does
// not hold: what arrives later may have waited in a buffer, and then a page
// sent again tells that the sync lies later.
//
// QEMU stops the guest only right behind a sync that found little enough, and
// syncs once more then: between the two nothing is sent (migration/migration.c,
// migration_iteration_run, 7.2 to 11.1). So a stream has a round of no pages
// before END, though it does not show.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/scan_sections.h"
#include "analyzer/stream_model.h"
#include "analyzer/timeline.h"

namespace migscope::analyzer {

// A sync that a monitor told of.
struct SyncMark {
  uint64_t number = 0;
  // The sync was over by `latest`, and not before `earliest`. Equal for events.
  MonoTime earliest, latest;
  bool final = false; // the one with the guest stopped
  Boundary how = Boundary::event;
};

// From MIGRATION_PASS events, or from dirty-sync-count where there are none,
// with those that QEMU does not tell of.
[[nodiscard]] std::vector<SyncMark> sync_marks(const Timeline& timeline);

// The source's STOP is not the switchover's: rounds followed it.
[[nodiscard]] bool stopped_early(const std::vector<SyncMark>& marks,
                                 const Timeline& timeline);

// Where a round begins.
struct RoundStart {
  size_t section = 0; // index; sections.size(): after the last one
  Boundary how = Boundary::exact;
  std::optional<SyncMark> mark;
};

// `arrivals[i]` is when the first byte of section i arrived; empty without
// arrival times, and then `marks` cannot be placed and are not used.
[[nodiscard]] std::vector<RoundStart>
place_rounds(const std::vector<RamSection>& sections,
             const std::vector<MonoTime>& arrivals,
             const std::vector<SyncMark>& marks);

// The same of stretches of scans (see RamSection). END is none of them: its
// round begins at the last start, where that can be told at all. `guess`
// as guess_sections() gives, used where no marks can be placed; `end_scan` as
// StreamModel::end_scan().
[[nodiscard]] std::vector<RoundStart>
place_scan_rounds(const std::vector<RamSection>& stretches,
                  const std::vector<MonoTime>& arrivals,
                  const std::vector<SyncMark>& marks,
                  const GuessedSections& guess, std::optional<size_t> end_scan);

// Sums the sections of each round. Times are left empty.
[[nodiscard]] std::vector<Round>
sum_rounds(const std::vector<RamSection>& sections,
           const std::vector<RoundStart>& starts);

// Rounds that only a monitor told of: no pages, no bytes.
[[nodiscard]] std::vector<Round>
rounds_from_marks(const std::vector<SyncMark>& marks);

} // namespace migscope::analyzer
