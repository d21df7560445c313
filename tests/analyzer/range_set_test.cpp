#include "analyzer/range_set.h"

#include <bitset>
#include <doctest/doctest.h>
#include <random>

using namespace migscope::analyzer;

TEST_CASE("ranges join where they meet and split where they are cut") {
  RangeSet set;
  set.add(10, 20);
  set.add(30, 40);
  CHECK(set.count() == 2);
  set.add(20, 30);
  CHECK(set.count() == 1);
  CHECK(set.bytes() == 30);
  set.remove(15, 16);
  CHECK(set.count() == 2);
  CHECK(set.bytes() == 29);
  set.add(5, 5);
  set.remove(0, 100);
  CHECK(set.count() == 0);
  CHECK(set.bytes() == 0);
}

TEST_CASE("a set holds what a bitmap holds") {
  std::mt19937 random(7);
  RangeSet set;
  std::bitset<64> bits;
  for (int i = 0; i < 20000; ++i) {
    uint64_t start = random() % 64, end = start + random() % (65 - start);
    bool add = random() % 2;
    add ? set.add(start, end) : set.remove(start, end);
    for (uint64_t bit = start; bit < end; ++bit)
      bits[bit] = add;
    size_t runs = 0;
    for (size_t bit = 0; bit < 64; ++bit)
      runs += bits[bit] && (bit == 0 || !bits[bit - 1]);
    REQUIRE(set.bytes() == bits.count());
    REQUIRE(set.count() == runs);
  }
}
