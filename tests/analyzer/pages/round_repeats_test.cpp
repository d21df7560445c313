// Against a model that remembers every send of every page.
#include "analyzer/pages/round_repeats.h"

#include <doctest/doctest.h>
#include <map>
#include <random>
#include <set>

using namespace migscope::analyzer;

namespace {

// Sections of random pages, rounds of random sections, some of none; no page
// comes twice in a round.
struct Sends {
  explicit Sends(unsigned seed) {
    std::mt19937 engine(seed);
    auto random = [&] { return static_cast<unsigned>(engine()); };
    std::map<unsigned, uint32_t> last; // section by page
    std::map<unsigned, int> count_of;  // sends by page
    uint32_t section = 0;
    size_t count = 2 + random() % 12;
    for (size_t round = 0; round < count; ++round) {
      first_sections.push_back(section);
      std::set<unsigned>& pages = rounds.emplace_back();
      std::set<unsigned>& again = resent.emplace_back();
      size_t left = random() % 4;
      if (round + 1 == count) // as END is one
        left = 1;
      if (left > 0)
        sending.push_back(round);
      for (; left > 0; --left, ++section)
        for (unsigned page = random() % 8; page < 64; page += 1 + random() % 9)
          if (pages.insert(page).second) {
            if (auto before = last.find(page); before != last.end()) {
              repeats.add(section, before->second, count_of[page] == 1);
              again.insert(page);
              ++last_rounds[round][round_of(before->second)];
            }
            last[page] = section;
            ++count_of[page];
          }
    }
  }

  [[nodiscard]] size_t round_of(uint32_t section) const {
    size_t round = first_sections.size();
    while (first_sections[--round] > section) {
    }
    return round;
  }

  SectionRepeats repeats;
  std::vector<size_t> first_sections;
  std::vector<std::set<unsigned>> rounds, resent;
  std::vector<size_t> sending; // rounds with sections
  std::map<size_t, std::map<size_t, uint64_t>> last_rounds;
};

} // namespace

TEST_CASE("pages of a round by the round that sent them last") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Sends sends(seed);
    RoundRepeats repeats(sends.repeats, sends.first_sections);
    CHECK(repeats.resending(sends.rounds.size()) == sends.last_rounds.size());
    uint64_t before_last = 0;
    for (const auto& [round, last] : sends.last_rounds)
      before_last += round + 1 < sends.rounds.size();
    CHECK(repeats.resending(sends.rounds.size() - 1) == before_last);
    for (size_t round = 0; round < sends.rounds.size(); ++round) {
      std::map<size_t, uint64_t> told;
      for (const LastSent& last : repeats.last_sent(round))
        told[last.round - 1] = last.pages;
      CHECK(told == sends.last_rounds[round]);
    }
  }
}

TEST_CASE("working sets count every page once") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Sends sends(seed);
    std::vector<std::optional<double>> ms;
    for (size_t i = 0; i + 1 < sends.rounds.size(); ++i)
      ms.emplace_back(10.0 * static_cast<double>(i + 1));
    RoundRepeats repeats(sends.repeats, sends.first_sections);
    const std::vector<size_t>& sending = sends.sending;
    size_t rounds = 1;
    for (const WorkingSet& set : repeats.working_sets(ms)) {
      CHECK(set.rounds == rounds);
      REQUIRE(set.windows == sending.size() - rounds);
      double pages = 0, time = 0;
      uint64_t most = 0;
      for (size_t a = 0; a + rounds < sending.size(); ++a) {
        std::set<unsigned> all;
        for (size_t i = a + 1; i <= a + rounds; ++i)
          all.insert(sends.resent[sending[i]].begin(),
                     sends.resent[sending[i]].end());
        pages += static_cast<double>(all.size());
        most = std::max<uint64_t>(most, all.size());
        for (size_t i = sending[a]; i < sending[a + rounds]; ++i)
          time += *ms[i];
      }
      auto windows = static_cast<double>(set.windows);
      CHECK(set.mean_pages == doctest::Approx(pages / windows));
      CHECK(set.max_pages == most);
      CHECK(set.mean_ms.value_or(0) == doctest::Approx(time / windows));
      rounds *= 2;
    }
    CHECK(rounds >= sending.size());
  }
}

TEST_CASE("times that are not known are not told") {
  Sends sends(0);
  for (unsigned seed = 1; sends.sending.size() < 4; ++seed)
    sends = Sends(seed);
  RoundRepeats repeats(sends.repeats, sends.first_sections);
  for (const WorkingSet& set : repeats.working_sets({}))
    CHECK_FALSE(set.mean_ms.has_value());
}
