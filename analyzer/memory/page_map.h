// What is known of each page of a RAM block. Eight bytes a page, in chunks that
// are made when one of their pages is first touched: memory grows with what was
// sent, not with what a block list claims.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>

namespace migscope::analyzer {

// What a page holds. Only where it is `data` anything is stored for it.
enum class Held : uint8_t {
  never,   // was never sent, or was discarded since
  unknown, // its last send could not be read
  zero,
  data,
};

struct PageEntry {
  Held held = Held::never;
  uint32_t damages = 0; // stretches of damage met before it was sent last
};

class PageMap {
public:
  // Makes the page's chunk where there is none.
  [[nodiscard]] PageEntry& at(uint64_t page);

  // Calls visit(page, entry) for every page that was ever sent, ascending.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& [chunk, entries] : chunks_)
      for (uint64_t i = 0; i < kChunkPages; ++i)
        if ((*entries)[i].held != Held::never)
          visit(chunk * kChunkPages + i, (*entries)[i]);
  }

  // The pages from `first` up to `end` are as if they had never been sent.
  // Calls lost(page) for those that held data. Whole chunks go, so that
  // forgetting costs no more than what was sent before.
  template <typename Lost>
  void forget(uint64_t first, uint64_t end, Lost lost) {
    auto it = chunks_.lower_bound(first / kChunkPages);
    while (it != chunks_.end() && it->first * kChunkPages < end) {
      uint64_t base = it->first * kChunkPages;
      uint64_t from = std::max(first, base) - base;
      uint64_t to = std::min(end, base + kChunkPages) - base;
      for (uint64_t i = from; i < to; ++i) {
        PageEntry& entry = (*it->second)[i];
        if (entry.held == Held::data)
          lost(base + i);
        entry = {};
      }
      it = to - from == kChunkPages ? chunks_.erase(it) : std::next(it);
    }
    last_ = UINT64_MAX;
  }

private:
  static constexpr uint64_t kChunkPages = 256;
  using Chunk = std::array<PageEntry, kChunkPages>;

  std::map<uint64_t, std::unique_ptr<Chunk>> chunks_; // by page / kChunkPages
  uint64_t last_ = UINT64_MAX;                        // chunk touched last
  Chunk* last_chunk_ = nullptr;
};

} // namespace migscope::analyzer
