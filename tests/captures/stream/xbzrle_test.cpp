#include "captures/stream/xbzrle.h"
#include "tests/support/stream_builder.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::test;
using captures::xbzrle_decode;

namespace {

// What a page of `before` becomes; the error where there is one, after which
// the page must be as it was.
std::string decoded(const StreamBuilder& encoded, std::string before) {
  std::string page = before;
  Status done =
      xbzrle_decode(encoded.done(), std::as_writable_bytes(std::span(page)));
  if (done)
    return page;
  CHECK(page == before);
  return describe(done.error());
}

StreamBuilder run(size_t unchanged, std::string_view changed) {
  return StreamBuilder().u8(unchanged).u8(changed.size()).text(changed);
}

} // namespace

TEST_CASE("changed runs replace, the rest stays") {
  CHECK(decoded(StreamBuilder(), "abcdef") == "abcdef");
  CHECK(decoded(run(0, "XY"), "abcdef") == "XYcdef");
  CHECK(decoded(run(4, "XY"), "abcdef") == "abcdXY");
  CHECK(decoded(run(1, "X").u8(2).u8(1).text("Y"), "abcdef") == "aXcdYf");
}

TEST_CASE("lengths of two bytes") {
  std::string page(4096, '.');
  std::string changed(300, 'x');
  auto encoded = StreamBuilder()
                     .u8(0x80 | (2000 & 0x7f))
                     .u8(2000 >> 7)
                     .u8(0x80 | (300 & 0x7f))
                     .u8(300 >> 7)
                     .text(changed);
  auto expected = page;
  expected.replace(2000, 300, changed);
  CHECK(decoded(encoded, page) == expected);
}

TEST_CASE("what no encoder writes is refused, and changes nothing") {
  constexpr std::string_view kChanged =
      "at 0x1: xbzrle: expected a run of changed bytes with all of its content";
  CHECK(decoded(StreamBuilder().u8(0), "abc") == kChanged);
  CHECK(decoded(StreamBuilder().u8(0).u8(0), "abc") == kChanged);
  CHECK(decoded(StreamBuilder().u8(0).u8(3).text("x"), "abc") == kChanged);
  CHECK(decoded(run(0, "x").u8(0).u8(1).text("y"), "abc") ==
        "at 0x3: xbzrle: expected a run of unchanged bytes, not empty but for "
        "the first");
  CHECK(decoded(run(2, "xy"), "abc") ==
        "at 0x1: xbzrle: expected runs that end within the page");
  CHECK(decoded(run(1, "x").u8(1).u8(1).text("y"), "abc") ==
        "at 0x4: xbzrle: expected runs that end within the page");
  CHECK(decoded(StreamBuilder().u8(0x80), "abc").starts_with("at 0x0"));
  CHECK(decoded(StreamBuilder().u8(0x80).u8(0x80).u8(1).text("x"), "abc")
            .starts_with("at 0x0"));
}
