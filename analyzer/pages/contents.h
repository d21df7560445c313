// Counts different contents in bounded memory.
#pragma once

#include "analyzer/pages/page_report.h"

namespace migscope::analyzer {

// Exact up to kMost different contents; beyond, it keeps the digests that end
// in a number of zero bits, which are a fair sample of the contents whatever
// pages hold them.
class ContentCounter {
public:
  void add(uint64_t digest) {
    ++pages_;
    if ((digest & mask_) == 0)
      keep(digest);
  }

  [[nodiscard]] Contents count();

private:
  static constexpr size_t kMost = 1u << 20;

  void keep(uint64_t digest);
  void remove_repeats();

  std::vector<uint64_t> kept_;
  size_t sorted_ = 0; // of kept_: ascending and different
  uint64_t mask_ = 0;
  uint64_t pages_ = 0;
};

} // namespace migscope::analyzer
