// Which RAM sections wrote the stretches of multifd's scans, as near as the
// streams alone tell.
//
// A dirty-bitmap sync falls between two RAM sections. QEMU ends a section when
// it has sent what the rate limit allows in 100 ms, or after 50 ms (QEMU
// migration/ram.c, ram_save_iterate), so those of some scans are about equally
// large. How many had begun at each MULTIFD_FLUSH is known.
#pragma once

#include "analyzer/stream_model.h"

namespace migscope::analyzer {

struct GuessedSections {
  // Of each stretch the number of the PART section that wrote it, from 0, or of
  // END, as if it were the next one: ascending, off by a packet or a few where
  // it changes. Empty where there are too few sections to tell how large one
  // is.
  std::vector<uint64_t> sections;
  uint64_t pages = 0; // of a section, in the mean
};

[[nodiscard]] GuessedSections
guess_sections(const std::vector<RamSection>& stretches,
               const std::vector<ScanEnd>& scans);

// The stretches with which rounds begin, the first one's 0 left out: as few as
// what was sent again calls for, each as late as it can be where a section
// began. `end_scan`: the last is END's and lies there at the earliest, and no
// more is known of it; 0: it is none of END's.
[[nodiscard]] std::vector<size_t>
fewest_starts(const std::vector<RamSection>& stretches,
              const GuessedSections& guess, size_t end_scan);

} // namespace migscope::analyzer
