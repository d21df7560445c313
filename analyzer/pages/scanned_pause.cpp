#include "analyzer/pages/scanned_pause.h"

namespace migscope::analyzer {

ScannedPause scanned_pause(const PageLedger& ledger, uint32_t first_section) {
  ScannedPause out;
  out.blocks.resize(ledger.blocks());
  for (uint32_t block = 0; block < ledger.blocks(); ++block)
    ledger.for_each_sent(block, [&](uint64_t page, const PageState& state) {
      if (state.last_section < first_section)
        return;
      captures::PageItem item;
      item.address = page * ledger.page_size();
      item.block = block;
      item.wire_bytes = state.wire_bytes;
      out.runs.add(item);
      ++out.blocks[block].pages;
      out.blocks[block].bytes += state.wire_bytes;
    });
  return out;
}

} // namespace migscope::analyzer
