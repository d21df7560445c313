// Which round's pages had been sent before, and in which round last.
#pragma once

#include "analyzer/pages/page_report.h"
#include "analyzer/pages/section_repeats.h"

#include <span>

namespace migscope::analyzer {

// Rounds by index from 0. A page is sent once in a round, with few exceptions;
// those count nowhere.
class RoundRepeats {
public:
  // `first_sections`: index of each round's first section, ascending, the
  // first 0. Rounds without a section of their own sent nothing.
  RoundRepeats(const SectionRepeats& repeats,
               std::span<const size_t> first_sections);

  // Of the pages that a round sent again, ascending.
  [[nodiscard]] std::vector<LastSent> last_sent(size_t round) const;
  // How many of the rounds before `end` sent pages again.
  [[nodiscard]] uint64_t resending(size_t end) const;
  // Of stretches of 1, 2, 4... rounds that sent something. `durations_ms[i]` is
  // round i's.
  [[nodiscard]] std::vector<WorkingSet>
  working_sets(std::span<const std::optional<double>> durations_ms) const;

private:
  struct Entry {
    size_t round = 0, earlier = 0;
    uint64_t pages = 0;
    uint64_t once = 0; // as RepeatCount
  };

  [[nodiscard]] WorkingSet working_set(size_t rounds) const;

  std::vector<size_t> sending_; // rounds with sections, ascending
  size_t rounds_ = 0;           // of them all
  std::vector<Entry> entries_;  // by round, by earlier; indices in sending_
};

} // namespace migscope::analyzer
