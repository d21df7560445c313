// What was sent for every guest page: how often, when last, with what content.
//
// Sixteen bytes a page, in one table a block that is mapped without being
// committed: memory grows with the pages that were really sent, not with what
// a block list claims. Time is counted in RAM sections, not rounds: rounds are
// found afterwards as runs of whole sections (see rounds.h).
#pragma once

#include "analyzer/pages/page_hasher.h"

#include <algorithm>
#include <memory>

namespace migscope::analyzer {

struct PageState {
  uint64_t digest = 0;       // of the content sent last, as HashedPage
  uint32_t last_section = 0; // 1 + index of the RAM section; 0: never sent
  uint16_t sends = 0;        // both stop at their maximum
  uint16_t wire_bytes = 0;   // what it took when it was sent last
};

// What one send meant.
struct SendResult {
  bool resent = false;
  bool same_content = false;
  uint32_t earlier_section = 0; // 1 + index, where it was resent
  bool sent_once = false;       // before
};

class PageLedger {
public:
  explicit PageLedger(uint32_t page_size) : page_size_(page_size) {}

  // Blocks in the order of PageItem::block; a list told again may be longer,
  // and what was recorded stays. Fails where the address space does not suffice
  // for the tables.
  [[nodiscard]] bool set_blocks(std::span<const captures::RamBlock> blocks);

  // Sections must not go back.
  SendResult record(const HashedPage& page) {
    PageState& state = tables_[page.block]->touch(page.page);
    SendResult result{state.sends > 0,
                      state.sends > 0 && page.digest != 0 &&
                          state.digest == page.digest,
                      state.last_section, state.sends == 1};
    state.digest = page.digest;
    state.last_section = page.section + 1;
    state.sends =
        static_cast<uint16_t>(std::min<uint32_t>(state.sends + 1u, UINT16_MAX));
    state.wire_bytes =
        static_cast<uint16_t>(std::min<uint32_t>(page.wire_bytes, UINT16_MAX));
    max_sends_ = std::max(max_sends_, state.sends);
    return result;
  }

  [[nodiscard]] uint64_t max_sends() const { return max_sends_; }
  [[nodiscard]] uint32_t page_size() const { return page_size_; }
  [[nodiscard]] size_t blocks() const { return tables_.size(); }

  // Calls `visit(page index, const PageState&)` for every page of a block that
  // was sent, ascending.
  template <typename Visit>
  void for_each_sent(size_t block, Visit visit) const {
    tables_[block]->for_each_sent(visit);
  }

private:
  // Pages whose states share one 4 KiB page of our own memory.
  static constexpr uint64_t kGroupPages = 4096 / sizeof(PageState);

  // The states and, behind them, a byte for each group that tells whether it
  // was touched: reading an untouched group would be harmless but, in a table
  // of terabytes, endless.
  class Table {
  public:
    // Null where it cannot be had.
    [[nodiscard]] static std::unique_ptr<Table> map(uint64_t pages);
    ~Table();
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    PageState& touch(uint64_t page) {
      uint64_t group = page / kGroupPages;
      if (!touched_[group]) {
        touched_[group] = true;
        groups_.push_back(group);
        // The first access writes: after one that reads the kernel would have
        // to replace the page of zeros that it gave.
        states_[page].sends = 0;
      }
      return states_[page];
    }

    template <typename Visit>
    void for_each_sent(Visit& visit) const {
      std::vector<uint64_t> groups = groups_;
      std::sort(groups.begin(), groups.end());
      for (uint64_t group : groups)
        for (uint64_t page = group * kGroupPages;
             page < (group + 1) * kGroupPages; ++page)
          if (states_[page].sends)
            visit(page, states_[page]);
    }

  private:
    Table(void* at, uint64_t groups, uint64_t bytes);

    PageState* states_;
    bool* touched_;
    uint64_t bytes_;
    std::vector<uint64_t> groups_; // touched
  };

  uint32_t page_size_;
  uint16_t max_sends_ = 0;
  std::vector<std::unique_ptr<Table>> tables_;
};

} // namespace migscope::analyzer
