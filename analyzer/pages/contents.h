// Counts different contents in bounded memory.
#pragma once

#include "analyzer/pages/page_report.h"

namespace migscope::analyzer {

// Exact up to kMost different contents; beyond, it keeps the digests that end
// in a number of zero bits, which are a fair sample of the contents whatever
// pages hold them.
class ContentCounter {
public:
  ContentCounter();

  // Not 0.
  void add(uint64_t digest) {
    ++pages_;
    if ((digest & mask_) == 0)
      keep(digest);
  }

  [[nodiscard]] Contents count() const;

private:
  static constexpr size_t kMost = 1u << 20;

  void keep(uint64_t digest);
  // Where it is, or belongs.
  [[nodiscard]] uint64_t& slot_of(uint64_t digest);
  void rebuild(size_t slots);

  // A hash set, half full at the most; an empty slot is 0. Sorting what was
  // collected would take several times as long.
  std::vector<uint64_t> slots_;
  size_t kept_ = 0;
  // Odd, and no guest can know it: one that makes up its pages cannot choose
  // digests that collide here.
  uint64_t factor_;
  uint64_t mask_ = 0;
  uint64_t pages_ = 0;
};

} // namespace migscope::analyzer
