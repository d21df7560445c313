#include "analyzer/rounds.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::SectionKind;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using migscope::testing::sample_ms;
using qmp::MigrationStatus;

namespace {

// `repeats`: 1 + index of the newest earlier section with a page of this one.
RamSection part(uint32_t repeats = 0, uint64_t pages = 10) {
  RamSection out;
  out.kind = SectionKind::part;
  out.pages = pages;
  out.bytes = pages * 4104;
  out.repeats = repeats;
  return out;
}

RamSection end(uint64_t pages = 3) {
  RamSection out = part(0, pages);
  out.kind = SectionKind::end;
  return out;
}

std::vector<RamSection> numbered(std::vector<RamSection> sections) {
  for (size_t i = 0; i < sections.size(); ++i)
    sections[i].offset = 1000 * (i + 1);
  return sections;
}

// Section i arrives at 10 * (i + 1) ms.
std::vector<MonoTime> every_ten_ms(size_t count) {
  std::vector<MonoTime> out;
  for (size_t i = 0; i < count; ++i)
    out.push_back(at_ms(10.0 * static_cast<double>(i + 1)));
  return out;
}

SyncMark event(uint64_t number, double ms, bool final = false) {
  return {number, at_ms(ms), at_ms(ms), final, Boundary::event};
}

std::vector<size_t> sections_of(const std::vector<RoundStart>& starts) {
  std::vector<size_t> out;
  for (const RoundStart& start : starts)
    out.push_back(start.section);
  return out;
}

std::vector<Boundary> boundaries_of(const std::vector<RoundStart>& starts) {
  std::vector<Boundary> out;
  for (const RoundStart& start : starts)
    out.push_back(start.how);
  return out;
}

using Sections = std::vector<size_t>;
using Boundaries = std::vector<Boundary>;

Timeline passes(std::initializer_list<std::pair<uint64_t, double>> list,
                std::optional<double> stop) {
  Timeline out;
  out.source_clock = ClockMap::local({});
  for (auto [number, ms] : list)
    out.passes.push_back({number, mark_ms(ms)});
  if (stop)
    out.stop = mark_ms(*stop);
  return out;
}

Timeline samples(std::vector<Sample> list, std::optional<double> stop,
                 int major) {
  Timeline out;
  out.source_clock = ClockMap::local({});
  out.samples = std::move(list);
  if (stop)
    out.stop = mark_ms(*stop);
  out.source_version = qmp::Version{major, 0, 0, ""};
  return out;
}

} // namespace

TEST_CASE("no sections, no rounds") {
  CHECK(place_rounds({}, {}, {event(1, 5)}).empty());
  CHECK(sum_rounds({}, {}).empty());
}

TEST_CASE("a stream that repeats nothing has one round, and END another") {
  auto starts = place_rounds({part(), part(), end(0)}, {}, {});
  CHECK(sections_of(starts) == Sections{0, 2});
  CHECK(boundaries_of(starts) == Boundaries{Boundary::exact, Boundary::exact});
  CHECK(sections_of(place_rounds({part(), part()}, {}, {})) == Sections{0});
  CHECK(sections_of(place_rounds({end()}, {}, {})) == Sections{0});
}

TEST_CASE("a page sent again tells of a sync without any monitor") {
  //                              0       1       2        3        4
  auto starts =
      place_rounds({part(), part(), part(1), part(2), part(3)}, {}, {});
  CHECK(sections_of(starts) == Sections{0, 2, 4});
  CHECK(starts[1].how == Boundary::inferred);
  CHECK_FALSE(starts[1].mark);
}

TEST_CASE("the sync that found little enough is followed by the final one") {
  auto starts = place_rounds({part(), part(1), end(0)}, {}, {});
  CHECK(sections_of(starts) == Sections{0, 1, 2, 2});
  CHECK(boundaries_of(starts) == Boundaries{Boundary::exact, Boundary::inferred,
                                            Boundary::inferred,
                                            Boundary::exact});
  // With nothing allowed all of round 1 is sent and no sync comes before END's.
  CHECK(sections_of(place_rounds({part(), part(), end()}, {}, {})) ==
        Sections{0, 2});
}

TEST_CASE("of scans the last round that begins is END's") {
  //                          0       1       2        3       4
  std::vector<RamSection> it{part(), part(), part(1), part(), part(3)};
  auto starts = place_scan_rounds(it, {}, {}, {}, 3);
  CHECK(sections_of(starts) == Sections{0, 2, 4, 4}); // one before END's
  CHECK(starts.back().how == Boundary::inferred);
  // In a stream that ends before END, or where END sent nothing again.
  CHECK(sections_of(place_scan_rounds(it, {}, {}, {}, {})) ==
        Sections{0, 2, 4});
  it.push_back(part());
  CHECK(sections_of(place_scan_rounds(it, {}, {}, {}, 5)) == Sections{0, 2, 4});
  CHECK(place_scan_rounds({}, {}, {}, {}, 0).empty());
}

TEST_CASE("of scans the final sync is placed as all others are") {
  std::vector<RamSection> it(5, part());
  auto starts =
      place_scan_rounds(it, every_ten_ms(5),
                        {event(1, 1), event(2, 25), event(3, 35, true)}, {}, 2);
  CHECK(sections_of(starts) == Sections{0, 2, 3});
  CHECK(starts.back().mark->final);
  starts = place_scan_rounds(it, every_ten_ms(5),
                             {event(1, 1), event(2, 60, true)}, {}, 2);
  CHECK(sections_of(starts) == Sections{0, 5}); // nothing was left
}

TEST_CASE("events place rounds by arrival") {
  std::vector<RamSection> sections(5, part());
  sections.push_back(end());
  auto starts =
      place_rounds(sections, every_ten_ms(6), {event(1, 1), event(2, 25)});
  CHECK(sections_of(starts) == Sections{0, 2, 5});
  CHECK(boundaries_of(starts) ==
        Boundaries{Boundary::exact, Boundary::event, Boundary::exact});
  CHECK(starts[1].mark->number == 2);
}

TEST_CASE("without arrival times events are not placed") {
  std::vector<RamSection> sections(5, part());
  CHECK(sections_of(place_rounds(sections, {}, {event(2, 25)})) == Sections{0});
}

TEST_CASE("a round that sent nothing is there all the same") {
  std::vector<RamSection> sections(3, part());
  sections.push_back(end());
  auto starts = place_rounds(sections, every_ten_ms(4),
                             {event(2, 22), event(3, 23), event(4, 39)});
  CHECK(sections_of(starts) == Sections{0, 2, 2, 3, 3});
}

TEST_CASE("the setup's sync is no round of its own, whenever it is told") {
  std::vector<RamSection> sections(4, part());
  SUBCASE("by an event that came in time") {
    CHECK(place_rounds(sections, every_ten_ms(4), {event(1, 2)}).size() == 1);
  }
  SUBCASE("by an event that came over a slow line") {
    CHECK(place_rounds(sections, every_ten_ms(4), {event(1, 25)}).size() == 1);
  }
  SUBCASE("by the first sample, a while after the start") {
    SyncMark sampled{1, at_ms(15), at_ms(16), false, Boundary::sampled};
    CHECK(place_rounds(sections, every_ten_ms(4), {sampled}).size() == 1);
  }
}

TEST_CASE("what was sent again moves a boundary behind a buffer's delay") {
  // The sync's event overtakes sections 2 and 3, which waited in a buffer.
  std::vector<RamSection> sections{part(), part(), part(), part(), part(4)};
  auto starts = place_rounds(sections, every_ten_ms(5), {event(2, 25)});
  CHECK(sections_of(starts) == Sections{0, 4});
  CHECK(starts[1].how == Boundary::event);
}

TEST_CASE("an event that comes later than what it tells of is no second sync") {
  std::vector<RamSection> sections{part(), part(1), part(), part()};
  auto starts = place_rounds(sections, every_ten_ms(4), {event(2, 25)});
  CHECK(sections_of(starts) == Sections{0, 1});
  CHECK(starts[1].how == Boundary::event);
}

TEST_CASE("quick passes whose sections waited in a buffer") {
  // QEMU 11.1, idle guest: many passes in a few milliseconds.
  std::vector<RamSection> sections{part(),  part(),  part(),
                                   part(3), part(4), part(5)};
  std::vector<MonoTime> arrivals(6, at_ms(40));
  auto starts = place_rounds(sections, arrivals,
                             {event(2, 11), event(3, 12), event(4, 13)});
  CHECK(sections_of(starts) == Sections{0, 3, 4, 5});
  CHECK(starts[3].mark->number == 4);
}

TEST_CASE("the final sync's mark belongs to END") {
  std::vector<RamSection> sections{part(), part(), end()};
  auto starts = place_rounds(sections, every_ten_ms(3),
                             {event(1, 1), event(2, 15, true)});
  CHECK(sections_of(starts) == Sections{0, 2});
  CHECK(starts[1].mark->number == 2);
  CHECK(starts[1].how == Boundary::exact);
}

TEST_CASE("events of 7.2 and 10.0: from the setup to the final sync") {
  auto marks = sync_marks(passes({{1, 1}, {2, 50}, {3, 80}}, 79));
  REQUIRE(marks.size() == 3);
  CHECK(marks[0].number == 1);
  CHECK_FALSE(marks[1].final);
  CHECK(marks[2].final);
  CHECK(marks[2].earliest == at_ms(80));
}

TEST_CASE("events of 11.1: neither the setup's nor the final sync") {
  auto marks = sync_marks(passes({{2, 50}, {3, 78}}, 79));
  REQUIRE(marks.size() == 3);
  CHECK_FALSE(marks[1].final);
  CHECK(marks[2].number == 4);
  CHECK(marks[2].final);
  CHECK(marks[2].earliest == at_ms(79));
}

TEST_CASE("a guest stopped before the migration leaves one final sync") {
  auto marks = sync_marks(passes({{1, 20}, {2, 50}, {3, 80}}, 5));
  REQUIRE(marks.size() == 3);
  CHECK_FALSE(marks[0].final);
  CHECK_FALSE(marks[1].final);
  CHECK(marks[2].final);
}

TEST_CASE("where there are no events, dirty-sync-count tells") {
  constexpr auto active = MigrationStatus::active;
  auto marks = sync_marks(
      samples({sample_ms(0, MigrationStatus::none), sample_ms(200, active, 1),
               sample_ms(250, active, 1), sample_ms(300, active, 3)},
              {}, 10));
  REQUIRE(marks.size() == 3);
  CHECK(marks[0].number == 1);
  CHECK(marks[0].earliest == at_ms(0));
  CHECK(marks[0].latest == at_ms(201));
  CHECK(marks[1].number == 2);
  CHECK(marks[1].earliest == at_ms(250));
  CHECK(marks[2].number == 3);
  CHECK(marks[2].latest == at_ms(301));
  CHECK(marks[2].how == Boundary::sampled);
}

TEST_CASE("the count that an earlier migration left is not this one's") {
  constexpr auto active = MigrationStatus::active;
  auto marks =
      sync_marks(samples({sample_ms(0, MigrationStatus::completed, 9),
                          sample_ms(200, MigrationStatus::setup),
                          sample_ms(250, active, 1), sample_ms(300, active, 2)},
                         {}, 10));
  REQUIRE(marks.size() == 2);
  CHECK(marks[0].number == 1);
  CHECK(marks[1].number == 2);
}

TEST_CASE("a migration that was joined is counted from there") {
  constexpr auto active = MigrationStatus::active;
  auto marks = sync_marks(
      samples({sample_ms(0, active, 40), sample_ms(50, active, 41)}, {}, 10));
  REQUIRE(marks.size() == 2);
  CHECK(marks[0].number == 40);
  CHECK(marks[0].earliest < at_ms(0)); // any time before
  CHECK(marks[1].number == 41);
}

TEST_CASE("the last sampled sync is the final one only where QEMU counts it") {
  std::vector<Sample> list{sample_ms(0, MigrationStatus::none),
                           sample_ms(50, MigrationStatus::active, 2),
                           sample_ms(100, MigrationStatus::active, 3)};
  auto last = [&](std::optional<double> stop, int major) {
    return sync_marks(samples(list, stop, major)).back();
  };
  CHECK(last(80, 10).final);
  CHECK(last(80, 10).number == 3);
  CHECK_FALSE(last({}, 10).final);
  // Not counted, or not sampled any more: STOP tells of it.
  CHECK(last(80, 11).final);
  CHECK(last(80, 11).number == 4);
  CHECK(last(150, 10).number == 4);
}

TEST_CASE("a sync was over when the next one was") {
  auto marks = sync_marks(samples({sample_ms(0, MigrationStatus::none),
                                   sample_ms(50, MigrationStatus::active, 1),
                                   sample_ms(100, MigrationStatus::active, 2)},
                                  70, 11));
  REQUIRE(marks.size() == 3);
  CHECK(marks[1].latest == at_ms(70)); // before STOP
  CHECK(marks[2].latest == at_ms(70));
}

TEST_CASE("a paused guest's final sync has no STOP") {
  Timeline timeline = passes({{1, 1}, {2, 50}, {3, 51}}, {});
  CHECK_FALSE(sync_marks(timeline).back().final);
  timeline.source_statuses = {{MigrationStatus::completed, mark_ms(55)}};
  auto marks = sync_marks(timeline);
  REQUIRE(marks.size() == 3);
  CHECK(marks.back().final);
  // Sampled, the same.
  auto list = {sample_ms(0, MigrationStatus::none),
               sample_ms(50, MigrationStatus::completed, 2)};
  CHECK(sync_marks(samples(list, {}, 10)).back().final);
  // 11.1 does not tell of it at all.
  marks = sync_marks(samples(list, {}, 11));
  REQUIRE(marks.size() == 3);
  CHECK(marks.back().final);
  CHECK(marks.back().how == Boundary::sampled);
}

TEST_CASE("a STOP that rounds follow is not the switchover's") {
  auto early = [](const Timeline& timeline) {
    return stopped_early(sync_marks(timeline), timeline);
  };
  Timeline user = passes({{1, 1}, {2, 50}, {3, 80}}, 20);
  user.source_statuses = {{MigrationStatus::completed, mark_ms(85)}};
  CHECK(early(user));
  CHECK(sync_marks(user).back().final);
  Timeline switchover = passes({{1, 1}, {2, 50}, {3, 80}}, 79);
  switchover.source_statuses = user.source_statuses;
  CHECK_FALSE(early(switchover));
  CHECK_FALSE(early(passes({{1, 1}}, {})));
  // Stopped and let go on; then killed in round 3, which is no final one.
  Timeline going = passes({{1, 1}, {2, 50}, {3, 80}}, 20);
  going.source_resume = mark_ms(25);
  CHECK(early(going));
  CHECK_FALSE(sync_marks(going).back().final);
}

TEST_CASE("a count that leaps is not believed") {
  constexpr auto active = MigrationStatus::active;
  auto marks = sync_marks(samples(
      {sample_ms(0, active, 1), sample_ms(50, active, UINT64_MAX)}, {}, 10));
  CHECK(marks.size() == 1);
}

TEST_CASE("rounds add up to the sections") {
  std::vector<RamSection> sections =
      numbered({part(0, 10), part(0, 5), part(2, 4), end(3)});
  sections[0].zero = 7;
  sections[2].resent = 4;
  auto rounds = sum_rounds(sections, place_rounds(sections, {}, {}));
  REQUIRE(rounds.size() == 4);
  CHECK(rounds[0].number == 1);
  CHECK(rounds[0].pages == 15);
  CHECK(rounds[0].zero_pages == 7);
  CHECK(rounds[0].first_offset == 1000);
  CHECK(rounds[1].resent_pages == 4);
  CHECK(rounds[2].pages == 0);
  CHECK(rounds[3].pages == 3);
  CHECK(rounds[3].first_offset == 4000);
  CHECK_FALSE(rounds[3].start_ms);
}

TEST_CASE("an empty round has figures of zero and no place in the stream") {
  std::vector<RamSection> sections = numbered({part(), part()});
  auto rounds = sum_rounds(sections, {{0, Boundary::exact, {}},
                                      {1, Boundary::event, {}},
                                      {1, Boundary::event, {}}});
  REQUIRE(rounds.size() == 3);
  CHECK(rounds[1].pages == 0);
  CHECK(rounds[1].bytes == 0);
  CHECK_FALSE(rounds[1].first_offset);
  CHECK(rounds[2].first_offset == 2000);
}

TEST_CASE("rounds that only a monitor told of") {
  auto rounds = rounds_from_marks({event(2, 10), event(3, 20)});
  REQUIRE(rounds.size() == 2);
  CHECK(rounds[0].number == 2);
  CHECK(rounds[0].boundary == Boundary::event);
  CHECK_FALSE(rounds[0].pages);
}
