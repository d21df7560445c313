// The ledger itself, as runs of pages that fared alike.
#pragma once

#include "analyzer/pages/report_pages.h"

#include <functional>

namespace migscope::analyzer {

struct PageRun {
  std::string block;
  uint64_t address = 0;                  // byte offset in the block
  std::optional<uint64_t> guest_address; // as HotRegion's
  uint64_t bytes = 0;
  uint64_t sends = 0;                 // 65535: that or more
  std::optional<uint64_t> last_round; // unknown where rounds are
  bool zero = false;                  // what was sent last
};

using PageRunSink = std::function<void(const PageRun&)>;

// Of all pages that were sent, by block and address.
void for_each_page_run(const StreamModel& model, const RoundsOfPages& rounds,
                       const GuestLayout& layout, const PageRunSink& sink);

} // namespace migscope::analyzer
