// What the pause sent, where no section of the stream holds it: of stretches of
// scans the ledger's pages whose last send lies in its round. END sends each
// page once at most.
#pragma once

#include "analyzer/pages/page_ledger.h"
#include "analyzer/pages/pause_runs.h"

namespace migscope::analyzer {

struct ScannedPause {
  struct Block {
    uint64_t pages = 0, bytes = 0;
  };
  std::vector<Block> blocks; // as the ledger's
  PauseRuns runs;            // by address, without offsets
};

// `first_section`: as PageState::last_section counts.
[[nodiscard]] ScannedPause scanned_pause(const PageLedger& ledger,
                                         uint32_t first_section);

} // namespace migscope::analyzer
