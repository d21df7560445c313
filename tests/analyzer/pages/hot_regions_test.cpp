#include "analyzer/pages/contents.h"
#include "analyzer/pages/hot_regions.h"

#include <cmath>
#include <doctest/doctest.h>
#include <random>
#include <set>

using namespace migscope::analyzer;

namespace {

Heat heat(uint64_t resent) {
  Heat out;
  out.sent_pages = resent + 1;
  out.resent_pages = resent;
  out.hot_pages = resent > 0;
  return out;
}

} // namespace

TEST_CASE("stretches are units in a row that were sent again") {
  HotStretches stretches(8);
  stretches.add(0, 1, heat(2));
  stretches.add(0, 2, heat(3));
  stretches.add(0, 3, heat(0)); // sent once
  stretches.add(0, 4, heat(9));
  stretches.add(0, 6, heat(1)); // 5 was not sent
  stretches.add(1, 7, heat(1)); // the next unit, but of another block
  auto found = stretches.take();
  REQUIRE(found.size() == 4);
  CHECK(found[0].first_unit == 4);
  CHECK(found[0].units == 1);
  CHECK(found[1].first_unit == 1);
  CHECK(found[1].units == 2);
  CHECK(found[1].heat.resent_pages == 5);
  CHECK(found[1].heat.sent_pages == 7);
  CHECK(found[2].block == 0);
  CHECK(found[3].block == 1);
  CHECK(stretches.more() == 0);
}

TEST_CASE("the hottest are kept, the others counted") {
  std::mt19937 random(5);
  HotStretches stretches(10);
  std::multiset<uint64_t, std::greater<>> all;
  uint64_t sum = 0;
  for (uint64_t unit = 0; unit < 4000; unit += 2) {
    uint64_t resent = 1 + random() % 1000;
    all.insert(resent);
    sum += resent;
    stretches.add(0, unit, heat(resent));
  }
  auto found = stretches.take();
  REQUIRE(found.size() == 10);
  auto most = all.begin();
  for (const HotStretch& stretch : found) {
    CHECK(stretch.heat.resent_pages == *most++);
    sum -= stretch.heat.resent_pages;
  }
  CHECK(stretches.more() == all.size() - 10);
  CHECK(stretches.more_resent_pages() == sum);
}

TEST_CASE("different contents are counted, exactly up to a million") {
  std::mt19937_64 random(7);
  for (uint64_t distinct : {0u, 1u, 1000u, 1u << 20}) {
    ContentCounter counter;
    for (uint64_t i = 0; i < distinct; ++i) {
      uint64_t digest = random();
      counter.add(digest);
      if (i % 3 == 0)
        counter.add(digest);
    }
    Contents contents = counter.count();
    CHECK(contents.distinct == distinct);
    CHECK(contents.pages == distinct + (distinct + 2) / 3);
    CHECK(contents.error == 0);
  }
}

TEST_CASE("beyond, they are estimated within the error that is told") {
  constexpr uint64_t kDistinct = 5'000'000;
  std::mt19937_64 random(11);
  ContentCounter counter;
  uint64_t often = random();
  for (uint64_t i = 0; i < kDistinct; ++i) {
    counter.add(random());
    counter.add(often); // one that is half of memory
  }
  Contents contents = counter.count();
  CHECK(contents.pages == 2 * kDistinct);
  CHECK(contents.error > 0);
  CHECK(contents.error < 0.005 * kDistinct);
  CHECK(std::abs(static_cast<double>(contents.distinct) - kDistinct) <
        5 * contents.error);
}
