#include "analyzer/pages/round_repeats.h"

#include <algorithm>
#include <map>

namespace migscope::analyzer {

RoundRepeats::RoundRepeats(const SectionRepeats& repeats,
                           std::span<const size_t> first_sections)
    : rounds_(first_sections.size()) {
  std::vector<size_t> first; // of the rounds in sending_
  for (size_t i = 0; i < rounds_; ++i)
    if (i + 1 == rounds_ || first_sections[i] < first_sections[i + 1]) {
      sending_.push_back(i);
      first.push_back(first_sections[i]);
    }
  if (first.empty())
    return;
  auto index_of = [&](uint32_t section) {
    auto after = std::ranges::upper_bound(first, section);
    return static_cast<size_t>(after - first.begin()) - 1;
  };
  size_t round = 0;
  std::map<size_t, Entry> row; // of `round`
  auto close = [&] {
    for (const auto& [earlier, entry] : row)
      entries_.push_back(entry);
    row.clear();
  };
  repeats.for_each([&](uint32_t section, uint32_t earlier, RepeatCount count) {
    if (size_t now = index_of(section); now != round) {
      close();
      round = now;
    }
    size_t before = index_of(earlier);
    if (before == round)
      return;
    Entry& entry = row.try_emplace(before, Entry{round, before}).first->second;
    entry.pages += count.pages;
    entry.once += count.once;
  });
  close();
}

std::vector<LastSent> RoundRepeats::last_sent(size_t round) const {
  std::vector<LastSent> out;
  auto found = std::ranges::lower_bound(sending_, round);
  if (found == sending_.end() || *found != round)
    return out;
  auto index = static_cast<size_t>(found - sending_.begin());
  for (const Entry& entry :
       std::ranges::equal_range(entries_, index, {}, &Entry::round))
    out.push_back({sending_[entry.earlier] + 1, entry.pages});
  return out;
}

uint64_t RoundRepeats::resending(size_t end) const {
  uint64_t rounds = 0;
  for (size_t i = 0; i < entries_.size(); ++i)
    rounds += sending_[entries_[i].round] < end &&
              (i == 0 || entries_[i].round != entries_[i - 1].round);
  return rounds;
}

// What rounds (a, a + rounds] sent again is, without counting a page twice,
// what each sent of pages that it was the first of them to send again: those
// that were last sent in round a or before, or only once before.
WorkingSet RoundRepeats::working_set(size_t rounds) const {
  WorkingSet out;
  out.rounds = rounds;
  out.windows = sending_.size() - rounds;
  // changes[a]: by how much the stretch after round a differs from the one
  // before.
  std::vector<int64_t> changes(out.windows + 1);
  auto add = [&](size_t from, size_t to, uint64_t pages) {
    if (from >= to)
      return;
    changes[from] += static_cast<int64_t>(pages);
    changes[to] -= static_cast<int64_t>(pages);
  };
  for (const Entry& entry : entries_) {
    size_t from = entry.round - std::min(entry.round, rounds);
    size_t to = std::min<size_t>(entry.round, out.windows);
    add(from, to, entry.once);
    add(std::max(entry.earlier, from), to, entry.pages - entry.once);
  }
  int64_t pages = 0;
  double all = 0;
  for (size_t a = 0; a < out.windows; ++a) {
    pages += changes[a];
    all += static_cast<double>(pages);
    out.max_pages = std::max(out.max_pages, static_cast<uint64_t>(pages));
  }
  out.mean_pages = all / static_cast<double>(out.windows);
  return out;
}

std::vector<WorkingSet> RoundRepeats::working_sets(
    std::span<const std::optional<double>> durations_ms) const {
  // starts[i]: when the round sending_[i] begins, as far as that is known.
  std::vector<double> starts;
  double at = 0;
  for (size_t i = 0; i < rounds_; ++i) {
    if (std::ranges::binary_search(sending_, i))
      starts.push_back(at);
    if (i >= durations_ms.size() || !durations_ms[i])
      break;
    at += *durations_ms[i];
  }
  std::vector<WorkingSet> out;
  for (size_t rounds = 1; rounds < sending_.size(); rounds *= 2) {
    WorkingSet set = working_set(rounds);
    // The guest dirtied them in the rounds from a on.
    if (set.windows - 1 + rounds < starts.size()) {
      double ms = 0;
      for (size_t a = 0; a < set.windows; ++a)
        ms += starts[a + rounds] - starts[a];
      set.mean_ms = ms / static_cast<double>(set.windows);
    }
    out.push_back(set);
  }
  return out;
}

} // namespace migscope::analyzer
