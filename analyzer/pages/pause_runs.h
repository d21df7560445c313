// Where the pages of the last section lie, and where in the stream they came.
#pragma once

#include "captures/stream/events.h"

#include <vector>

namespace migscope::analyzer {

// x86's large page, and the smallest stretch worth a line.
inline constexpr uint64_t kPauseUnitBytes = 2u << 20;

// Pages in a row that lie in one unit of a block.
struct PauseRun {
  uint32_t block = 0;
  uint64_t unit = 0;
  uint64_t pages = 0, wire_bytes = 0;
  uint64_t offset = 0; // of the first in the stream
};

class PauseRuns {
public:
  void add(const captures::PageItem& page) {
    uint64_t unit = page.address / kPauseUnitBytes;
    bool goes_on = !runs_.empty() && runs_.back().block == page.block &&
                   runs_.back().unit == unit;
    if (!goes_on && runs_.size() < kMostRuns)
      runs_.push_back({page.block, unit, 0, 0, page.offset});
    else if (!goes_on)
      complete_ = false;
    if (!complete_)
      return;
    ++runs_.back().pages;
    runs_.back().wire_bytes += page.wire_bytes;
  }

  [[nodiscard]] const std::vector<PauseRun>& runs() const { return runs_; }
  // False: there were too many, and the last ones are left out.
  [[nodiscard]] bool complete() const { return complete_; }

private:
  // A scan of 2 TiB, or as many jumps in less.
  static constexpr size_t kMostRuns = 1u << 20;

  std::vector<PauseRun> runs_;
  bool complete_ = true;
};

} // namespace migscope::analyzer
