#include "analyzer/scan_sections.h"

#include <doctest/doctest.h>
#include <random>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

std::vector<RamSection> stretches(size_t count) {
  std::vector<RamSection> out(count);
  for (RamSection& stretch : out)
    stretch.pages = 128;
  return out;
}

using Sections = std::vector<uint64_t>;

} // namespace

TEST_CASE("sections of a scan are taken to be equally large") {
  // Two a scan of four, the first of which is also in the middle of one.
  std::vector<ScanEnd> scans{{0, 0}, {4, 3}, {8, 5}, {12, 7}};
  auto guess = guess_sections(stretches(14), scans);
  CHECK(guess.pages == 256);
  CHECK(guess.sections == Sections{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 7, 7});
}

TEST_CASE("how many sections had begun at the end of a scan is known") {
  // The first scan was slower than the others.
  std::vector<ScanEnd> scans{{0, 0}, {4, 1}, {8, 4}, {12, 6}, {14, 6, true}};
  auto guess = guess_sections(stretches(14), scans);
  REQUIRE(guess.pages == 8 * 128 / 5);
  CHECK(guess.sections[3] == 0);
  CHECK(guess.sections[4] == 1);
  CHECK(guess.sections[11] <= 5);
  CHECK(guess.sections[13] <= 6);
  CHECK(std::ranges::is_sorted(guess.sections));
}

TEST_CASE("too few sections tell nothing") {
  CHECK(guess_sections(stretches(8), {}).sections.empty());
  CHECK(guess_sections(stretches(8), {{0, 0}}).sections.empty());
  CHECK(
      guess_sections(stretches(8), {{0, 0}, {4, 1}, {8, 3}}).sections.empty());
  CHECK(guess_sections(stretches(8), {{0, 0, true}, {8, 9, true}})
            .sections.empty());
}

TEST_CASE("a start is moved back to where its section began") {
  auto it = stretches(10);
  it[6].repeats = 1;
  GuessedSections guess{{0, 0, 0, 1, 1, 2, 2, 2, 3, 3}, 300};
  CHECK(fewest_starts(it, guess, 0) == std::vector<size_t>{5});
  it[9].repeats = 7;
  CHECK(fewest_starts(it, guess, 0) == std::vector<size_t>{5, 8});
  it[6].repeats = 6; // nowhere else can it lie
  CHECK(fewest_starts(it, guess, 0) == std::vector<size_t>{6, 8});
  // Not by more than a section has, where the guess is a bad one.
  it = stretches(10);
  it[8].repeats = 1;
  guess.sections.assign(10, 0);
  CHECK(fewest_starts(it, guess, 0) == std::vector<size_t>{5});
}

TEST_CASE("END's start is not moved") {
  auto it = stretches(10);
  it[4].repeats = 2;
  it[8].repeats = 5;
  GuessedSections guess{{0, 0, 1, 1, 1, 2, 2, 2, 2, 2}, 1000};
  CHECK(fewest_starts(it, guess, 0) == std::vector<size_t>{2, 5});
  CHECK(fewest_starts(it, guess, 7) == std::vector<size_t>{2, 8});
}

TEST_CASE("starts that are moved are as few, and lie between sends of a page") {
  std::mt19937 random(7);
  auto up_to = [&](uint64_t n) { return random() % (n + 1); };
  for (int run = 0; run < 300; ++run) {
    auto it = stretches(2 + up_to(40));
    GuessedSections guess{{}, 128 * up_to(8)};
    for (size_t i = 0; i < it.size(); ++i) {
      if (i > 0 && up_to(2) == 0)
        it[i].repeats = static_cast<uint32_t>(1 + up_to(i - 1));
      guess.sections.push_back(
          i == 0 ? 0 : guess.sections.back() + (up_to(2) == 0));
    }
    GuessedSections none{guess.sections, 0};
    auto latest = fewest_starts(it, none, 0);
    size_t end = latest.empty() || up_to(1) ? 0 : 1 + up_to(latest.back() - 1);
    auto moved = fewest_starts(it, guess, end);
    CAPTURE(run);
    REQUIRE(moved.size() == latest.size());
    for (size_t i = 0; i < moved.size(); ++i)
      CHECK(moved[i] <= latest[i]);
    if (end > 0)
      CHECK(moved.back() >= end);
    for (size_t i = 0; i < it.size(); ++i)
      if (it[i].repeats > 0)
        CHECK(std::ranges::any_of(moved, [&](size_t start) {
          return it[i].repeats <= start && start <= i;
        }));
  }
}
