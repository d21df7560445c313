// Whose memory it is: guest-physical ranges with names, from a table that was
// made inside the guest (docs/owners-csv.md), and what the migration paid for
// each of them.
#pragma once

#include "analyzer/memory/guest_layout.h"
#include "analyzer/pages/page_report.h"
#include "analyzer/pages/report_pages.h"
#include "base/error.h"

#include <span>
#include <string_view>

namespace migscope::analyzer {

struct OwnerRange {
  uint64_t start = 0, end = 0; // guest-physical, end behind the last byte
};

struct Owners {
  std::vector<std::string> columns; // "owner", "cgroup"; at least one
  std::vector<std::vector<std::string>> names; // of each column
  std::vector<OwnerRange> ranges;              // ascending, none overlap
  // Of range r in column c: names[c][ids[r * columns.size() + c]].
  std::vector<uint32_t> ids;
};

// `where` is the file, for messages. Fails with kind malformed and the line
// where the table is none, or ranges overlap.
[[nodiscard]] Result<Owners> parse_owners(std::string_view csv,
                                          const std::string& where);

// One ranking for each column.
[[nodiscard]] std::vector<OwnerRanking> rank_owners(const StreamModel& model,
                                                    const RoundsOfPages& rounds,
                                                    const GuestLayout& layout,
                                                    const Owners& owners);

} // namespace migscope::analyzer
