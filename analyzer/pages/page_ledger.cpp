#include "analyzer/pages/page_ledger.h"

#include <sys/mman.h>

namespace migscope::analyzer {

std::unique_ptr<PageLedger::Table> PageLedger::Table::map(uint64_t pages) {
  uint64_t groups = pages / kGroupPages + 1;
  uint64_t bytes = groups * (kGroupPages * sizeof(PageState) + 1);
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    return nullptr;
  return std::unique_ptr<Table>(new Table(at, groups, bytes));
}

PageLedger::Table::Table(void* at, uint64_t groups, uint64_t bytes)
    : states_(static_cast<PageState*>(at)),
      touched_(reinterpret_cast<bool*>(states_ + groups * kGroupPages)),
      bytes_(bytes) {}

PageLedger::Table::~Table() {
  munmap(states_, bytes_);
}

bool PageLedger::set_blocks(std::span<const captures::RamBlock> blocks) {
  for (const captures::RamBlock& block : blocks.subspan(tables_.size())) {
    // One more than needed where the last page is whole.
    auto table = Table::map(block.used_length / page_size_ + 1);
    if (!table)
      return false;
    tables_.push_back(std::move(table));
  }
  return true;
}

} // namespace migscope::analyzer
