#include "analyzer/page_ledger.h"

#include <algorithm>
#include <limits>
#include <sys/mman.h>
#include <xxhash.h>

namespace migscope::analyzer {
namespace {

// Pages whose states share one 4 KiB page of our own memory.
constexpr uint64_t kGroupPages = 4096 / sizeof(PageState);

uint64_t hash(std::span<const std::byte> bytes) {
  uint64_t digest = XXH3_64bits(bytes.data(), bytes.size());
  return digest ? digest : 1; // 0 stands for unknown
}

} // namespace

// The states and, behind them, a byte for each group that tells whether it was
// touched: reading an untouched group would be harmless but, in a table of
// terabytes, endless.
class PageLedger::Table {
public:
  static std::unique_ptr<Table> map(uint64_t pages) {
    uint64_t groups = pages / kGroupPages + 1;
    uint64_t bytes = groups * (kGroupPages * sizeof(PageState) + 1);
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
      return nullptr;
    return std::unique_ptr<Table>(new Table(at, groups, bytes));
  }
  ~Table() { munmap(states_, bytes_); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  PageState& touch(uint64_t page) {
    uint64_t group = page / kGroupPages;
    if (!touched_[group]) {
      touched_[group] = true;
      groups_.push_back(group);
    }
    return states_[page];
  }

  void for_each_sent(
      const std::function<void(uint64_t, const PageState&)>& visit) const {
    std::vector<uint64_t> groups = groups_;
    std::sort(groups.begin(), groups.end());
    for (uint64_t group : groups)
      for (uint64_t page = group * kGroupPages;
           page < (group + 1) * kGroupPages; ++page)
        if (states_[page].sends)
          visit(page, states_[page]);
  }

private:
  Table(void* at, uint64_t groups, uint64_t bytes)
      : states_(static_cast<PageState*>(at)),
        touched_(reinterpret_cast<bool*>(states_ + groups * kGroupPages)),
        bytes_(bytes) {}

  PageState* states_;
  bool* touched_;
  uint64_t bytes_;
  std::vector<uint64_t> groups_; // touched
};

PageLedger::PageLedger(uint32_t page_size)
    : page_size_(page_size),
      zero_digest_(hash(std::vector<std::byte>(page_size))) {}

PageLedger::~PageLedger() = default;

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

uint64_t PageLedger::digest(const captures::PageItem& page) const {
  switch (page.kind) {
  case captures::PageKind::zero:
    return zero_digest_;
  case captures::PageKind::normal:
    // Empty where it could not be read.
    return page.content.empty() ? 0 : hash(page.content);
  default:
    return 0;
  }
}

SendResult PageLedger::record(const captures::PageItem& page,
                              uint32_t section) {
  PageState& state = tables_[page.block]->touch(page.address / page_size_);
  uint64_t content = digest(page);
  SendResult result;
  result.resent = state.sends > 0;
  result.same_content = result.resent && content && state.digest == content;
  result.earlier_section = state.last_section;
  state.digest = content;
  state.last_section = section + 1;
  if (state.sends < std::numeric_limits<uint32_t>::max())
    ++state.sends;
  max_sends_ = std::max<uint64_t>(max_sends_, state.sends);
  return result;
}

void PageLedger::for_each_sent(
    size_t block,
    const std::function<void(uint64_t, const PageState&)>& visit) const {
  tables_[block]->for_each_sent(visit);
}

} // namespace migscope::analyzer
