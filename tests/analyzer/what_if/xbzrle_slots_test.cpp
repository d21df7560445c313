#include "analyzer/what_if/xbzrle_slots.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

namespace {

XbzrleSlots slots(uint64_t count) {
  auto out = XbzrleSlots::make(count);
  REQUIRE(out);
  return std::move(*out);
}

} // namespace

TEST_CASE("a page is there once it was put in") {
  XbzrleSlots cache = slots(16);
  CHECK_FALSE(cache.hit(0, 2));
  CHECK_FALSE(cache.hit(5, 2));
  cache.insert(0, 2);
  cache.insert(5, 2);
  CHECK(cache.hit(0, 9));
  CHECK(cache.hit(5, 9));
  CHECK_FALSE(cache.hit(16, 9));
}

TEST_CASE("a page that was used in this generation or the last one stays") {
  XbzrleSlots cache = slots(16);
  cache.insert(3, 2);
  cache.insert(19, 2);
  cache.insert(19, 3);
  CHECK(cache.hit(3, 3)); // used in generation 3 now
  CHECK_FALSE(cache.hit(19, 3));
  cache.insert(19, 4);
  CHECK_FALSE(cache.hit(19, 4));
  cache.insert(19, 5);
  CHECK(cache.hit(19, 5));
  CHECK_FALSE(cache.hit(3, 5));
}

TEST_CASE("putting a page in again makes it younger") {
  XbzrleSlots cache = slots(16);
  cache.insert(3, 2);
  cache.insert(3, 5);
  cache.insert(19, 6);
  CHECK(cache.hit(3, 6));
}

TEST_CASE("a cache that cannot be is an error") {
  auto none = XbzrleSlots::make(1ull << 60);
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::unsupported);
}
