// How many pages of each RAM section had been sent before, and in which section
// last.
//
// A section goes over a stretch of the scan, so what it holds was last sent in
// few others: about one for each round back. From these counts everything
// follows that is to be known of rounds, wherever they turn out to begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace migscope::analyzer {

struct RepeatCount {
  uint32_t pages = 0;
  uint32_t once = 0; // of these, that had been sent once before
};

class SectionRepeats {
public:
  // A page of `section` that was last sent in section `earlier`, both indices,
  // and for the first time there where `once`. Sections must not go back.
  void add(uint32_t section, uint32_t earlier, bool once) {
    if (section != section_)
      close(section);
    if (!count_ || earlier != earlier_) {
      count_ = &open_[earlier];
      earlier_ = earlier;
    }
    ++count_->pages;
    count_->once += once;
  }

  // Calls `visit(section, earlier, RepeatCount)`, sections ascending.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (size_t i = 0; i < rows_.size(); ++i) {
      size_t end = i + 1 < rows_.size() ? rows_[i + 1].first : pairs_.size();
      for (size_t at = rows_[i].first; at < end; ++at)
        visit(rows_[i].section, pairs_[at].earlier, pairs_[at].count);
    }
    for (const auto& [earlier, count] : open_)
      visit(section_, earlier, count);
  }

  // False: there were more than kMostPairs; those beyond are left out.
  [[nodiscard]] bool complete() const { return complete_; }

private:
  struct Pair {
    uint32_t earlier = 0;
    RepeatCount count;
  };
  struct Row {
    uint32_t section = 0;
    size_t first = 0; // index into pairs_
  };

  // 24 MiB of them; hours of rounds with a sync a second stay below.
  static constexpr size_t kMostPairs = 2u << 20;

  void close(uint32_t next);

  std::vector<Row> rows_;
  std::vector<Pair> pairs_;
  std::unordered_map<uint32_t, RepeatCount> open_; // of section_
  uint32_t section_ = 0;
  uint32_t earlier_ = 0;
  RepeatCount* count_ = nullptr; // of earlier_
  bool complete_ = true;
};

} // namespace migscope::analyzer
