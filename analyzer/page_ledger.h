// What was sent for every guest page: how often, when last, with what content.
//
// Sixteen bytes a page, in one table a block that is mapped without being
// committed: memory grows with the pages that were really sent, not with what
// a block list claims. Time is counted in RAM sections, not rounds: rounds are
// found afterwards as runs of whole sections (see rounds.h).
#pragma once

#include "captures/stream/events.h"

#include <functional>
#include <memory>

namespace migscope::analyzer {

struct PageState {
  uint64_t digest = 0;       // XXH3 of the content sent last; 0: unknown
  uint32_t last_section = 0; // 1 + index of the RAM section; 0: never sent
  uint32_t sends = 0;        // stops counting at its maximum
};

// What one send meant.
struct SendResult {
  bool resent = false;
  bool same_content = false;
  uint32_t earlier_section = 0; // 1 + index, where it was resent
};

class PageLedger {
public:
  explicit PageLedger(uint32_t page_size);
  ~PageLedger();
  PageLedger(const PageLedger&) = delete;
  PageLedger& operator=(const PageLedger&) = delete;

  // Blocks in the order of PageItem::block; a list told again may be longer,
  // and what was recorded stays. Fails where the address space does not suffice
  // for the tables.
  [[nodiscard]] bool set_blocks(std::span<const captures::RamBlock> blocks);

  // `section` is the index of the RAM section the page stands in.
  SendResult record(const captures::PageItem& page, uint32_t section);

  [[nodiscard]] uint64_t max_sends() const { return max_sends_; }
  [[nodiscard]] uint32_t page_size() const { return page_size_; }

  // Calls `visit(page index, state)` for every page of a block that was sent,
  // ascending.
  void for_each_sent(
      size_t block,
      const std::function<void(uint64_t page, const PageState&)>& visit) const;

private:
  class Table;

  [[nodiscard]] uint64_t digest(const captures::PageItem& page) const;

  uint32_t page_size_;
  uint64_t zero_digest_;
  uint64_t max_sends_ = 0;
  std::vector<std::unique_ptr<Table>> tables_;
};

} // namespace migscope::analyzer
