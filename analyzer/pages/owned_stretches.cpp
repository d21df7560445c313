#include "analyzer/pages/owned_stretches.h"

#include <algorithm>

namespace migscope::analyzer {

std::vector<OwnedStretch>
owned_stretches(size_t block, const GuestLayout& layout, const Owners& owners) {
  std::vector<OwnedStretch> out;
  for (const LayoutPiece& piece : layout.pieces) {
    if (piece.block != block)
      continue;
    const uint64_t end = piece.address + piece.bytes;
    auto range = std::ranges::upper_bound(owners.ranges, piece.address, {},
                                          &OwnerRange::end);
    for (; range != owners.ranges.end() && range->start < end; ++range) {
      uint64_t from = std::max(range->start, piece.address);
      uint64_t to = std::min(range->end, end);
      out.push_back({piece.offset + (from - piece.address),
                     piece.offset + (to - piece.address),
                     static_cast<size_t>(range - owners.ranges.begin())});
    }
  }
  std::ranges::sort(out, {}, &OwnedStretch::start);
  return out;
}

} // namespace migscope::analyzer
