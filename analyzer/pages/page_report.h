// What the ledger of pages tells: plain data, as analysis.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace migscope::analyzer {

// How many pages were sent `from` to `to` times.
struct SendCount {
  uint64_t from = 0, to = 0;
  uint64_t pages = 0;
};

// How many pages were last sent in a round.
struct LastSent {
  uint64_t round = 0;
  uint64_t pages = 0;
};

// Contents among the pages whose last content is known, by digest. Pages of
// zeros are none of them.
struct Contents {
  uint64_t pages = 0;
  uint64_t distinct = 0;
  // Where there were too many to keep: `distinct` is an estimate from those
  // kept, with this standard error. 0: it is exact.
  double error = 0;
};

// A stretch of a block whose every unit has pages that were sent again.
struct HotRegion {
  std::string block;
  uint64_t address = 0; // byte offset in the block
  // Of the first byte; unknown where the layout is, or where the region does
  // not lie in one piece there.
  std::optional<uint64_t> guest_address;
  uint64_t bytes = 0;
  uint64_t sent_pages = 0; // sends, the first ones too
  uint64_t resent_pages = 0;
  uint64_t hot_pages = 0; // different pages that were sent again
  // Of the pages in the pause. Unknown where the stream does not tell.
  std::optional<uint64_t> stop_copy_pages, stop_copy_resent_pages;
};

// The hot regions with one size of unit.
struct HotRegions {
  uint64_t unit_bytes = 0;
  std::vector<HotRegion> regions; // the most re-sent first
  // What is not among them.
  uint64_t more_regions = 0, more_resent_pages = 0;
};

// Different pages that were sent again in so many rounds in a row, which are
// those that the guest dirtied during as many.
struct WorkingSet {
  uint64_t rounds = 0;
  uint64_t windows = 0; // stretches of so many rounds
  double mean_pages = 0;
  uint64_t max_pages = 0;
  // For how long the guest had dirtied them, on the average.
  std::optional<double> mean_ms;
};

// A stretch of a block in the pause.
struct StopCopyRegion {
  std::string block;
  uint64_t address = 0;
  std::optional<uint64_t> guest_address;
  uint64_t bytes = 0; // of the stretch
  uint64_t pages = 0, wire_bytes = 0;
  std::optional<double> ms; // from its first byte's arrival to what followed
};

// What made up the last round, with the guest stopped.
struct StopCopyPages {
  uint64_t first_time_pages = 0;
  std::vector<LastSent> last_sent;     // of the others, ascending
  std::vector<SendCount> send_counts;  // of all, in the whole migration
  std::vector<StopCopyRegion> regions; // the most bytes first
  uint64_t more_regions = 0, more_wire_bytes = 0;
};

// What the migration paid for the pages of one owner.
struct OwnerCost {
  std::string name;
  uint64_t pages = 0; // that were sent
  uint64_t resent_pages = 0;
  uint64_t hot_pages = 0; // different pages that were sent again
  // In the pause; 0 where the stream does not tell.
  uint64_t stop_copy_pages = 0, stop_copy_bytes = 0;
};

// By one column of the owners' table.
struct OwnerRanking {
  std::string column;
  std::vector<OwnerCost> owners; // the most bytes in the pause first
  OwnerCost more;                // of those that are not among them
  uint64_t more_owners = 0;
  OwnerCost unowned; // in no range, or where the guest's address is not known
};

struct PageReport {
  uint64_t sent_pages = 0;       // different ones
  uint64_t never_sent_pages = 0; // in the blocks
  uint64_t zero_pages = 0;       // whose last content was zeros
  std::vector<SendCount> send_counts;
  std::vector<HotRegions> hot_regions; // by size of unit, ascending
  std::optional<Contents> contents;    // unknown where they were not read
  // The rest is known only where rounds are.
  std::vector<WorkingSet> working_sets;
  // Rounds with the guest running that sent pages again, and the pages that
  // each of them did.
  std::optional<uint64_t> resending_rounds, always_resent_pages;
  std::optional<StopCopyPages> stop_copy;
  std::vector<OwnerRanking> owners; // where a table of them was given
};

} // namespace migscope::analyzer
