#include "analyzer/clock_map.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using migscope::testing::wall_ms;

TEST_CASE("an event's time is its emission where the clock is ours") {
  CHECK(ClockMap::local({}).at(mark_ms(50, 3)) == at_ms(50));
  CHECK(ClockMap().at(mark_ms(50, 3)) == at_ms(53));
}

TEST_CASE("a wall clock that was set tells nothing") {
  ClockMap local = ClockMap::local({});
  CHECK(local.at(mark_ms(50, -3)) == at_ms(47));
  CHECK(local.at(mark_ms(50, 60'001)) == at_ms(60'051));
  EventMark unknown{{0}, {at_ms(50), wall_ms(50)}};
  CHECK(local.at(unknown) == at_ms(50));
}

TEST_CASE("a local stamp is put on our axis by the readings beside it") {
  // The wall clock was set forward by 100 s between the two.
  ClockMap local = ClockMap::local(
      {{at_ms(10), wall_ms(10)}, {at_ms(30), wall_ms(100'030)}});
  CHECK(local.at(wall_ms(8)) == at_ms(8));
  CHECK(local.at(wall_ms(100'029)) == at_ms(29));
  CHECK(local.at(wall_ms(100'031)) == at_ms(31)); // after the last
  CHECK(local.error_at(wall_ms(8)) == Nanos(0));
  CHECK_FALSE(local.at(WallTime{1})); // of another age
  CHECK_FALSE(ClockMap::local({}).at(wall_ms(8)));
}

TEST_CASE("another host's stamp: the middle of what is possible") {
  using Kind = ClockBound::Kind;
  std::vector<ClockBound> bounds{
      {Kind::not_after, wall_ms(7100), at_ms(104), "", ""},
      {Kind::not_before, wall_ms(7100), at_ms(98), "", ""}};
  ClockMap map = ClockMap::bounded(ClockOffset(bounds));
  CHECK(to_ms(*map.at(wall_ms(7100)) - at_ms(101)) ==
        doctest::Approx(0).epsilon(0.001));
  CHECK(to_ms(*map.error_at(wall_ms(7100))) ==
        doctest::Approx(3).epsilon(0.001));
  EventMark event{wall_ms(7110), {at_ms(150), wall_ms(150)}};
  CHECK(to_ms(map.at(event) - at_ms(111)) == doctest::Approx(0).epsilon(0.001));
  CHECK_FALSE(map.is_local());
  // QEMU could not read its clock.
  event.emitted = {0};
  CHECK(map.at(event) == at_ms(150));
  CHECK_FALSE(map.error_at(event));
}

TEST_CASE("without a bound on either side an event is taken as it arrives") {
  std::vector<ClockBound> bounds{
      {ClockBound::Kind::not_after, wall_ms(7100), at_ms(104), "", ""}};
  ClockMap map = ClockMap::bounded(ClockOffset(bounds));
  EventMark event{wall_ms(7100), {at_ms(104), wall_ms(104)}};
  CHECK(map.at(event) == at_ms(104));
  CHECK_FALSE(map.error_at(event));
}
