#include "captures/containers/peeked.h"
#include "tests/captures/containers/memory_source.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

PeekedSource source(size_t piece, std::optional<Error> error = {}) {
  return PeekedSource(
      std::make_unique<MemorySource>(pattern(0, 1000), piece, error));
}

bool same(std::span<const std::byte> a, const Bytes& b) {
  return std::ranges::equal(a, b);
}

} // namespace

TEST_CASE("what was looked at is read again, however it came") {
  for (size_t piece : {1, 7, 100, 1000}) {
    for (size_t count : {0, 1, 16, 999, 1000, 5000}) {
      PeekedSource peeked = source(piece);
      auto head = peeked.peek(count);
      CHECK(head.size() >= std::min<size_t>(count, 1000));
      CHECK(same(head, pattern(0, head.size())));
      CHECK(read_out(peeked).bytes == pattern(0, 1000));
    }
  }
}

TEST_CASE("what is before a stream is dropped, and moves its origin") {
  for (size_t piece : {1, 7, 1000}) {
    for (size_t peek : {0, 50}) {
      PeekedSource peeked = source(piece);
      (void)peeked.peek(peek);
      REQUIRE(peeked.drop(92));
      CHECK(peeked.origin() == 92);
      CHECK(peeked.bytes() == 908u);
      CHECK(*peeked.tail(2000) == pattern(92, 908));
      CHECK(*peeked.tail(8) == pattern(992, 8));
      CHECK(read_out(peeked).bytes == pattern(92, 908));
    }
  }
}

TEST_CASE("less than is to be dropped is truncated") {
  PeekedSource peeked = source(7);
  auto dropped = peeked.drop(1001);
  REQUIRE_FALSE(dropped);
  CHECK(dropped.error().kind == ErrorKind::truncated);
  CHECK(dropped.error().offset == 1000u);
}

TEST_CASE("an error comes after what could be looked at") {
  PeekedSource peeked = source(7, Error{ErrorKind::io, "broken"});
  CHECK(peeked.peek(2000).size() == 1000);
  ReadOut out = read_out(peeked);
  CHECK(out.bytes == pattern(0, 1000));
  REQUIRE(out.error);
  CHECK(out.error->message == "broken");
}

TEST_CASE("what was looked at can be skipped, too") {
  PeekedSource peeked = source(100);
  (void)peeked.peek(10);
  CHECK(peeked.skip(30));
  CHECK_FALSE(peeked.skip(71)); // is not in memory yet: has to be read
  CHECK(read_out(peeked).bytes == pattern(30, 970));
}
