// The ranges of an owners' table, laid over the blocks.
#pragma once

#include "analyzer/pages/owners.h"

namespace migscope::analyzer {

// A stretch of a block that lies in one range.
struct OwnedStretch {
  uint64_t start = 0, end = 0; // bytes in the block
  size_t range = 0;            // index into Owners::ranges
};

// Of one block, ascending.
[[nodiscard]] std::vector<OwnedStretch>
owned_stretches(size_t block, const GuestLayout& layout, const Owners& owners);

} // namespace migscope::analyzer
