// Rounds of migrations whose truth is known: a scan over random dirtying with
// merges at random, cut into sections at random, arriving with delay.
#include "analyzer/rounds.h"
#include "tests/analyzer/events.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>
#include <set>

using namespace migscope;
using namespace migscope::analyzer;
using captures::SectionKind;

namespace {

using Pages = std::set<unsigned>;

class Truth {
public:
  explicit Truth(unsigned seed, unsigned delay = 60) : random_(seed) {
    for (unsigned page = 0; page < kPages; ++page)
      dirty_.insert(page);
    sync(); // the setup's
    auto parts = 1 + upto(40);
    for (unsigned i = 0; i < parts; ++i) {
      send(SectionKind::part, upto(9));
      write(upto(6));
      while (upto(3) == 0)
        sync();
    }
    if (upto(7) > 0) { // else cut off
      sync();          // finds that little is left
      sync();
      final_ = true;
      send(SectionKind::end, kPages);
    }
    arrive(delay);
  }

  std::vector<RamSection> sections;
  std::vector<Pages> pages; // of each section
  std::vector<MonoTime> arrivals;
  // Of 7.2 and 10.0: the setup's and the final one too.
  [[nodiscard]] std::vector<SyncMark> events() const {
    std::vector<SyncMark> out;
    for (size_t i = 0; i < syncs_.size(); ++i)
      out.push_back({i + 1, syncs_[i], syncs_[i],
                     final_ && i + 1 == syncs_.size(), Boundary::event});
    return out;
  }
  // Of 11.1, which tells of neither.
  [[nodiscard]] std::vector<SyncMark> events_11() const {
    std::vector<SyncMark> out = events();
    if (final_)
      out.pop_back();
    out.erase(out.begin());
    return out;
  }
  // Seen by samples: some time before what the events say.
  [[nodiscard]] std::vector<SyncMark> sampled() {
    std::vector<SyncMark> out = events();
    MonoTime before;
    for (SyncMark& mark : out) {
      Nanos back(upto(30));
      before = mark.earliest = std::max(before, mark.earliest + -back);
      mark.how = Boundary::sampled;
    }
    return out;
  }
  // Of a source that is far away.
  [[nodiscard]] std::vector<SyncMark> late_events() {
    std::vector<SyncMark> out = events();
    MonoTime before;
    for (SyncMark& mark : out) {
      Nanos way(upto(30));
      before = mark.earliest = mark.latest =
          std::max(before, mark.earliest + way);
    }
    return out;
  }
  [[nodiscard]] size_t rounds() const { return syncs_.size(); }
  // The section that comes after each sync.
  std::vector<size_t> starts;

private:
  static constexpr unsigned kPages = 24;

  unsigned upto(unsigned most) {
    return std::uniform_int_distribution<unsigned>(0, most)(random_);
  }
  void sync() {
    dirty_.merge(written_);
    written_.clear();
    syncs_.push_back({++now_});
    starts.push_back(sections.size());
    ++now_;
  }
  void write(unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      written_.insert(upto(kPages - 1));
  }
  // A section may hold nothing; the scan goes round.
  void send(SectionKind kind, unsigned most) {
    Pages sent;
    for (unsigned i = 0; i < most && !dirty_.empty(); ++i) {
      auto next = dirty_.lower_bound(at_);
      if (next == dirty_.end())
        next = dirty_.begin();
      at_ = *next + 1;
      sent.insert(*next);
      dirty_.erase(next);
    }
    RamSection section;
    section.offset = now_;
    section.kind = kind;
    section.pages = sent.size();
    section.bytes = sent.size() * 4104;
    for (unsigned page : sent)
      for (uint32_t earlier = 0; earlier < pages.size(); ++earlier)
        if (pages[earlier].contains(page))
          section.repeats = std::max(section.repeats, earlier + 1);
    sections.push_back(section);
    pages.push_back(std::move(sent));
    sent_.push_back({now_});
    now_ += 1 + upto(5);
  }
  void arrive(unsigned delay) {
    MonoTime before;
    unsigned most = upto(delay);
    for (MonoTime sent : sent_) {
      before = std::max(before, sent + Nanos(upto(most)));
      arrivals.push_back(before);
    }
  }

  std::mt19937 random_;
  Pages dirty_, written_;
  unsigned at_ = 0;
  int64_t now_ = 0;
  bool final_ = false;
  std::vector<MonoTime> syncs_, sent_;
};

// No round may hold a page twice.
void check_consistent(const Truth& truth,
                      const std::vector<RoundStart>& starts) {
  REQUIRE(!starts.empty());
  CHECK(starts[0].section == 0);
  for (size_t i = 0; i < starts.size(); ++i) {
    size_t end =
        i + 1 < starts.size() ? starts[i + 1].section : truth.sections.size();
    REQUIRE(starts[i].section <= end);
    Pages seen;
    for (size_t s = starts[i].section; s < end; ++s)
      for (unsigned page : truth.pages[s])
        CHECK(seen.insert(page).second);
  }
}

void check_sums(const Truth& truth, const std::vector<RoundStart>& starts) {
  auto rounds = sum_rounds(truth.sections, starts);
  REQUIRE(rounds.size() == starts.size());
  uint64_t pages = 0, bytes = 0;
  for (const Round& round : rounds) {
    pages += *round.pages;
    bytes += *round.bytes;
  }
  for (const RamSection& section : truth.sections) {
    pages -= section.pages;
    bytes -= section.bytes;
  }
  CHECK(pages == 0);
  CHECK(bytes == 0);
}

// What had arrived when a sync happened was written before it.
void check_arrivals(const Truth& truth, const std::vector<RoundStart>& starts) {
  for (const RoundStart& start : starts)
    if (start.mark && start.section < truth.sections.size())
      CHECK(start.mark->earliest < truth.arrivals[start.section]);
}

void check_told(const Truth& truth, const std::vector<SyncMark>& marks) {
  auto starts = place_rounds(truth.sections, truth.arrivals, marks);
  check_consistent(truth, starts);
  check_sums(truth, starts);
  CHECK(starts.size() == truth.rounds());
}

template <typename Check>
void for_random_truths(Check check) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    CAPTURE(seed);
    check(Truth(seed));
  }
}

} // namespace

TEST_CASE("the stream alone shows no round too many") {
  for_random_truths([](const Truth& truth) {
    auto starts = place_rounds(truth.sections, {}, {});
    check_consistent(truth, starts);
    check_sums(truth, starts);
    CHECK(starts.size() <= truth.rounds());
  });
}

// A guest that writes to its lowest page in every pass, as to a stack, and a
// QEMU that syncs when nothing is left and scans from the beginning then.
TEST_CASE("the stream alone shows every round that re-sends what is hot") {
  std::mt19937 random(1);
  auto upto = [&](size_t most) {
    return std::uniform_int_distribution<size_t>(0, most)(random);
  };
  for (int run = 0; run < 500; ++run) {
    std::vector<RamSection> sections;
    std::vector<size_t> truth;
    std::vector<uint32_t> last(64); // 1 + the section of a page
    size_t rounds = 2 + upto(10);
    for (size_t round = 0; round < rounds; ++round) {
      truth.push_back(sections.size());
      sections.emplace_back();
      for (size_t page = 0; page < last.size(); ++page) {
        if (round > 0 && page > 0 && upto(3) > 0)
          continue;
        if (upto(4) == 0 && page > 0)
          sections.emplace_back(); // the rate limit
        RamSection& section = sections.back();
        section.kind = SectionKind::part;
        ++section.pages;
        section.repeats = std::max(section.repeats, last[page]);
        last[page] = static_cast<uint32_t>(sections.size());
      }
    }
    truth.insert(truth.end(), 2, sections.size());
    sections.push_back({0, 0, 0, SectionKind::end, 1});
    auto starts = place_rounds(sections, {}, {});
    CAPTURE(run);
    REQUIRE(starts.size() == truth.size());
    for (size_t i = 0; i < truth.size(); ++i)
      CHECK(starts[i].section == truth[i]);
  }
}

TEST_CASE("with events there are exactly as many rounds as syncs") {
  for_random_truths([](const Truth& truth) {
    check_told(truth, truth.events());
    check_arrivals(
        truth, place_rounds(truth.sections, truth.arrivals, truth.events()));
  });
}

TEST_CASE("and without delay they start where they did") {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    CAPTURE(seed);
    Truth truth(seed, 0);
    auto starts = place_rounds(truth.sections, truth.arrivals, truth.events());
    REQUIRE(starts.size() == truth.rounds());
    for (size_t i = 0; i < starts.size(); ++i)
      CHECK(starts[i].section == truth.starts[i]);
  }
}

TEST_CASE("with the events of 11.1 too") {
  for_random_truths(
      [](const Truth& truth) { check_told(truth, truth.events_11()); });
}

TEST_CASE("and with samples, which tell of syncs only some time after") {
  for_random_truths([](Truth truth) { check_told(truth, truth.sampled()); });
}

TEST_CASE("and with events that come late") {
  for_random_truths(
      [](Truth truth) { check_told(truth, truth.late_events()); });
}
