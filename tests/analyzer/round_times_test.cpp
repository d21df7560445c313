#include "analyzer/round_times.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

MonoTime at_ms(int64_t ms) {
  return {ms * 1'000'000};
}

SyncMark event(uint64_t number, int64_t ms) {
  return {number, at_ms(ms), at_ms(ms), false, Boundary::event};
}

Sample sample(int64_t ms, uint64_t remaining, uint64_t transferred) {
  Sample out{at_ms(ms), at_ms(ms + 1), {}};
  out.info.ram.emplace();
  out.info.ram->remaining = remaining;
  out.info.ram->transferred = transferred;
  return out;
}

// A section of ten pages, its bytes at 100 * index.
RamSection section(uint64_t index) {
  RamSection out;
  out.offset = 100 * index;
  out.end = out.offset + 100;
  out.pages = 10;
  return out;
}

} // namespace

TEST_CASE("a round has the figures of the sample after its sync") {
  Timeline timeline;
  timeline.samples = {sample(5, 900, 100), sample(55, 800, 200),
                      sample(105, 300, 700)};
  auto rounds =
      monitor_rounds({event(1, 0), event(2, 50), event(3, 100)}, timeline, {});
  CHECK(rounds[0].remaining_bytes == 900u);
  CHECK(rounds[0].transferred_bytes == 100u);
  CHECK(rounds[1].remaining_bytes == 800u);
  CHECK(rounds[1].transferred_bytes == 500u);
  CHECK(rounds[1].duration_ms == 50.0);
  CHECK(rounds[2].remaining_bytes == 300u);
  CHECK_FALSE(rounds[2].transferred_bytes);
}

TEST_CASE("a sample of a later round is not this one's") {
  Timeline timeline;
  timeline.samples = {sample(5, 900, 100), sample(105, 300, 700)};
  auto rounds =
      monitor_rounds({event(1, 0), event(2, 50), event(3, 100)}, timeline, {});
  CHECK_FALSE(rounds[0].transferred_bytes); // up to which sync is not known
  CHECK_FALSE(rounds[1].remaining_bytes);
  CHECK_FALSE(rounds[1].transferred_bytes);
  CHECK(rounds[2].remaining_bytes == 300u);
}

TEST_CASE("a sample of the end is no round's") {
  Timeline timeline;
  // The second was asked for in round 2, the third after the last one.
  timeline.samples = {sample(5, 900, 100), sample(55, 0, 700),
                      sample(150, 0, 700)};
  timeline.samples[1].answered = at_ms(120);
  timeline.samples[2].info.status = qmp::MigrationStatus::completed;
  auto rounds =
      monitor_rounds({event(1, 0), event(2, 50), event(3, 100)}, timeline, {});
  CHECK(rounds[0].remaining_bytes == 900u);
  CHECK_FALSE(rounds[0].transferred_bytes);
  CHECK_FALSE(rounds[1].remaining_bytes);
  CHECK_FALSE(rounds[1].transferred_bytes);
  CHECK_FALSE(rounds[2].remaining_bytes);
}

TEST_CASE("what was left is what the pass was judged by") {
  Timeline timeline;
  timeline.samples = {sample(5, 900, 100), sample(55, 0, 200)};
  std::vector<SyncMark> marks{event(1, 0), event(2, 50), event(3, 100)};
  marks.back().final = true;
  auto rounds = monitor_rounds(marks, timeline, {});
  REQUIRE(rounds.size() == 3);
  PassCheck first, second;
  first.pass = 1;
  first.pending_bytes = 950;
  second.pass = 2; // its sample was answered later, with nothing left
  take_pending(rounds, {first, second});
  CHECK(rounds[0].remaining_bytes == 950u);
  CHECK_FALSE(rounds[1].remaining_bytes);
  rounds[1].remaining_bytes = 7;
  take_pending(rounds, {second}); // joined late
  CHECK(rounds[1].remaining_bytes == 7u);
}

TEST_CASE("what was sent after a cut is unknown, not nothing") {
  std::vector<captures::Chunk> chunks{{0, 100, at_ms(10)},
                                      {100, 100, at_ms(60)}};
  std::vector<SyncMark> marks{event(1, 0), event(2, 50), event(3, 100)};
  std::vector<RamSection> sections{section(0), section(1)};
  std::vector<MonoTime> arrivals{at_ms(10), at_ms(60)};
  auto cut = stream_rounds({sections, arrivals, chunks, false}, marks, {}, {});
  REQUIRE(cut.rounds.size() == 3);
  CHECK(cut.rounds[1].pages == 10u);
  CHECK_FALSE(cut.rounds[2].pages);
  CHECK_FALSE(cut.rounds[2].bytes);
  auto whole = stream_rounds({sections, arrivals, chunks}, marks, {}, {});
  CHECK(whole.rounds[2].pages == 0u);
  CHECK_FALSE(whole.lower_bound);
}

TEST_CASE("with multifd a section's frame comes when its pages were sent") {
  // The second section was read 2 ms after the sync behind it was told of.
  std::vector<MonoTime> arrivals{at_ms(10), at_ms(52), at_ms(90)};
  std::vector<RamSection> sections{section(0), section(1), section(2)};
  std::vector<SyncMark> marks{event(1, 0), event(2, 50)};
  auto pages = [&](bool multifd) {
    auto timed =
        stream_rounds({sections, arrivals, {}, true, multifd}, marks, {}, {});
    REQUIRE(timed.rounds.size() == 2);
    return timed.rounds[0].pages;
  };
  CHECK(pages(true) == 20u);
  CHECK(pages(false) == 10u);
}

TEST_CASE("a scan's packets may be read in another order than they were sent") {
  std::vector<RamSection> stretches{section(0), section(1), section(2)};
  // The second was read late; the third tells that it was sent by 45 ms.
  std::vector<MonoTime> arrivals{at_ms(10), at_ms(52), at_ms(45)};
  std::vector<SyncMark> marks{event(1, 0), event(2, 50)};
  auto timed =
      stream_rounds({stretches, arrivals, {}, true, true, true}, marks, {}, {});
  REQUIRE(timed.rounds.size() == 2);
  CHECK(timed.rounds[0].pages == 30u);
  CHECK_FALSE(timed.rounds[0].first_offset); // it has several channels
}

TEST_CASE("the pause of scans is told where its round is") {
  std::vector<RamSection> stretches{section(0), section(1), section(2)};
  std::vector<MonoTime> arrivals{at_ms(10), at_ms(20), at_ms(60)};
  auto last = event(2, 50);
  last.final = true;
  auto in_pause = [&](std::optional<size_t> end_scan, bool monitored) {
    std::vector<SyncMark> marks;
    if (monitored)
      marks = {event(1, 0), last};
    auto timed = stream_rounds(
        {stretches, arrivals, {}, true, true, true, end_scan}, marks, {}, {});
    return timed.ends_in_pause ? timed.rounds.back().pages : std::nullopt;
  };
  CHECK(in_pause(1, true) == 10u);
  CHECK_FALSE(in_pause({}, true)); // no END
  CHECK_FALSE(in_pause(1, false)); // one round, as nothing was sent again
  stretches[2].repeats = 1;
  CHECK(in_pause(1, false) == 10u);
  CHECK_FALSE(in_pause(3, false)); // END sent nothing again
}
