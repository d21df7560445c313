// How many pages each RAM section sent of each stretch of memory.
//
// Rounds are found afterwards, as runs of whole sections, so it is counted by
// section. Stretches of memory are units of one size, which doubles when there
// is too much to keep: a screen has no more rows than that anyway.
#pragma once

#include "captures/stream/events.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace migscope::analyzer {

// Pages of one block, one after another, that one RAM section sent.
struct SentRun {
  uint32_t block = 0;
  uint32_t section = 0; // index
  uint64_t first = 0;   // page, index in the block
  uint64_t pages = 0;
  bool resent = false; // all had been sent before, or none
};

struct HeatCount {
  uint64_t pages = 0;
  uint64_t resent = 0; // of these, that had been sent before
};

class HeatCounter {
public:
  // The same list as PageLedger::set_blocks() was given, in the same order.
  void set_blocks(std::span<const captures::RamBlock> blocks,
                  uint32_t page_size);

  // Sections must not go back.
  void add(const SentRun& run);

  // Nothing may be added afterwards.
  void finish() { close(); }

  // Pages of a unit, a power of two.
  [[nodiscard]] uint64_t unit_pages() const { return uint64_t{1} << shift_; }
  // Of each block, the index of its first unit; one block's follow each other.
  [[nodiscard]] const std::vector<uint32_t>& first_bins() const {
    return first_bins_;
  }
  // Units of all blocks.
  [[nodiscard]] size_t bins() const { return open_.size(); }
  // False: there was too much even with one unit a block, and nothing is told.
  [[nodiscard]] bool complete() const { return complete_; }

  // Calls `visit(section, bin, HeatCount)`, sections ascending, then bins.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (size_t i = 0; i < rows_.size(); ++i) {
      size_t end = i + 1 < rows_.size() ? rows_[i + 1].first : cells_.size();
      for (size_t at = rows_[i].first; at < end; ++at)
        visit(rows_[i].section, size_t{cells_[at].bin},
              HeatCount{cells_[at].pages, cells_[at].resent});
    }
  }

private:
  struct Cell {
    uint32_t bin = 0;
    uint32_t pages = 0, resent = 0; // stop at their maximum
  };
  struct Row {
    uint32_t section = 0;
    uint32_t first = 0; // index into cells_
  };

  void close();
  void coarsen();
  [[nodiscard]] uint64_t lay_out();

  std::vector<uint64_t> block_pages_;
  std::vector<uint32_t> first_bins_;
  int shift_ = 0;
  std::vector<HeatCount> open_; // of section_, by bin
  std::vector<uint32_t> touched_;
  uint32_t section_ = 0;
  std::vector<Row> rows_;
  std::vector<Cell> cells_;
  bool complete_ = true;
};

} // namespace migscope::analyzer
