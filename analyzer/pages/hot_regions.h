// Finds the stretches of memory that were sent again and again.
#pragma once

#include "analyzer/pages/page_report.h"

#include <functional>

namespace migscope::analyzer {

// What was sent of a unit, or of a whole stretch.
struct Heat {
  uint64_t sent_pages = 0, resent_pages = 0, hot_pages = 0;
  uint64_t stop_copy_pages = 0, stop_copy_resent_pages = 0;

  Heat& operator+=(const Heat& other);
};

// Units in a row that have pages that were sent again.
struct HotStretch {
  size_t block = 0;
  uint64_t first_unit = 0, units = 0;
  Heat heat;
};

class HotStretches {
public:
  // Keeps the `most` that were sent again most often.
  explicit HotStretches(size_t most) : most_(most) {}

  // Units in order, block by block. One without resent pages ends a stretch, as
  // does one that is left out.
  void add(size_t block, uint64_t unit, const Heat& heat);
  // The most re-sent first. Nothing may be added afterwards.
  [[nodiscard]] std::vector<HotStretch> take();
  // Of the stretches that were not kept.
  [[nodiscard]] uint64_t more() const { return more_; }
  [[nodiscard]] uint64_t more_resent_pages() const { return more_resent_; }

private:
  void close();
  void drop_coldest();

  size_t most_;
  HotStretch open_;
  std::vector<HotStretch> kept_;
  uint64_t more_ = 0, more_resent_ = 0;
};

} // namespace migscope::analyzer
