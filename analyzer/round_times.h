// Rounds with their times, and with what the monitors said at their syncs.
#pragma once

#include "analyzer/downtime.h"
#include "analyzer/rounds.h"
#include "analyzer/switchover.h"

namespace migscope::analyzer {

// What rounds' start_ms counts from.
[[nodiscard]] std::optional<MonoTime>
round_zero(const Timeline& timeline, std::span<const captures::Chunk> chunks);

// What a stream has of RAM, and when it came.
struct SentSections {
  const std::vector<RamSection>& sections;
  // Of each section's first byte; empty where not all are known.
  std::vector<MonoTime> arrivals;
  // Of the main channel; may be empty.
  std::span<const captures::Chunk> chunks;
  bool complete = true;                // not cut off
  bool multifd = false;                // the pages went over other channels
  bool by_scan = false;                // `sections` are stretches of scans
  std::optional<size_t> end_scan = {}; // as StreamModel::end_scan()
  GuessedSections guess = {};          // of stretches, may be empty
};

struct TimedRounds {
  std::vector<Round> rounds;
  std::vector<size_t> first_sections; // of each round, index
  // Syncs were not told of, or could not be placed.
  bool lower_bound = false;
  // The last round is END.
  bool ends_in_pause = false;
};

[[nodiscard]] TimedRounds stream_rounds(const SentSections& sent,
                                        const std::vector<SyncMark>& marks,
                                        const Timeline& timeline,
                                        const PauseMarks& pause);

// From what each round sent again and how long it was since the last one that
// sent anything.
void add_dirty_rates(std::vector<Round>& rounds, uint32_t page_size);

// Without a stream: times and samples, no pages.
[[nodiscard]] std::vector<Round>
monitor_rounds(const std::vector<SyncMark>& marks, const Timeline& timeline,
               const PauseMarks& pause);

// What was left after a round's sync is what its pass was judged by: a sample
// can be asked for in one pass and answered in the next. `rounds` are all that
// there were.
void take_pending(std::vector<Round>& rounds,
                  const std::vector<PassCheck>& passes);

} // namespace migscope::analyzer
