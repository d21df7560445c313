#include "captures/stream/decoder.h"
#include "captures/stream/xbzrle.h"
#include "tests/support/fixture.h"
#include "tests/support/stream_builder.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <map>
#include <random>

using namespace migscope;
using namespace migscope::test;
using captures::xbzrle_decode;
using captures::xbzrle_encode;

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

constexpr size_t kPage = 4096;

// Nothing where there is no room.
std::optional<std::string>
encoded(std::string_view before, std::string_view after, size_t room = kPage) {
  std::string out(room, '?');
  auto made = xbzrle_encode(std::as_bytes(std::span(before)),
                            std::as_bytes(std::span(after)),
                            std::as_writable_bytes(std::span(out)));
  if (!made)
    return {};
  out.resize(*made);
  return out;
}

std::string text_of(const StreamBuilder& bytes) {
  auto done = bytes.done();
  return {reinterpret_cast<const char*>(done.data()), done.size()};
}

// A page that differs from `before` in runs of random places and lengths.
std::string changed(std::string page, std::mt19937& random, size_t runs,
                    size_t longest) {
  for (size_t i = 0; i < runs; ++i) {
    size_t at = random() % page.size();
    size_t size = std::min(1 + random() % longest, page.size() - at);
    for (size_t k = at; k < at + size; ++k)
      page[k] = static_cast<char>(random());
  }
  return page;
}

// Every xbzrle page of a stream, encoded again from what the page was before.
class Reencoded : public captures::StreamEvents {
public:
  void on_pages(std::span<const captures::PageItem> items) override {
    for (const captures::PageItem& item : items)
      take(item);
  }

  size_t pages = 0, same = 0;

private:
  void take(const captures::PageItem& item) {
    std::string& page = pages_[{item.block, item.address}];
    std::string before = page;
    auto content = std::as_writable_bytes(std::span(page));
    switch (item.kind) {
    case captures::PageKind::zero:
      page.assign(kPage, '\0');
      break;
    case captures::PageKind::normal:
      page.assign(reinterpret_cast<const char*>(item.content.data()), kPage);
      break;
    case captures::PageKind::xbzrle:
      REQUIRE(page.size() == kPage);
      REQUIRE(xbzrle_decode(item.content, content));
      ++pages;
      same += encoded(before, page) ==
              std::string(reinterpret_cast<const char*>(item.content.data()),
                          item.content.size());
      break;
    case captures::PageKind::compressed:
      FAIL("compressed with xbzrle");
    }
  }

  std::map<std::pair<uint32_t, uint64_t>, std::string> pages_;
};

} // namespace

TEST_CASE("what changed is encoded, runs as long as can be") {
  CHECK(encoded("abcdef", "abcdef") == "");
  CHECK(encoded("abcdef", "XYcdef") == text_of(run(0, "XY")));
  CHECK(encoded("abcdef", "abcdXY") == text_of(run(4, "XY")));
  CHECK(encoded("abcdef", "aXcdYf") ==
        text_of(run(1, "X").u8(2).u8(1).text("Y")));
  std::string zeros(kPage, '\0');
  std::string page = zeros;
  page.replace(2000, 300, 300, 'x');
  CHECK(encoded(zeros, page) == text_of(StreamBuilder()
                                            .u8(0x80 | (2000 & 0x7f))
                                            .u8(2000 >> 7)
                                            .u8(0x80 | (300 & 0x7f))
                                            .u8(300 >> 7)
                                            .text(std::string(300, 'x'))));
}

TEST_CASE("no room is told as QEMU tells it") {
  // Two lengths, the content, and two bytes that nothing needs.
  CHECK(encoded("abcdef", "XYcdef", 6) == text_of(run(0, "XY")));
  CHECK(encoded("abcdef", "XYcdef", 5) == std::nullopt);
  CHECK(encoded("ab", "XY", 4) == text_of(run(0, "XY")));
  CHECK(encoded("ab", "XY", 3) == std::nullopt);
  std::string zeros(kPage, '\0');
  CHECK(encoded(zeros, std::string(kPage, 'x')) == std::nullopt);
  // 4093 changed bytes, a length of one byte and one of two: just so.
  std::string page = zeros;
  page.replace(3, 4093, 4093, 'x');
  CHECK(encoded(zeros, page)->size() == kPage);
  page[2] = 'x';
  CHECK(encoded(zeros, page) == std::nullopt);
}

TEST_CASE("what is encoded decodes to what it was") {
  std::mt19937 random(1);
  std::string before = changed(std::string(kPage, '.'), random, 1, kPage);
  size_t fitted = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string after =
        changed(before, random, random() % 40, 1 + random() % 200);
    auto bytes = encoded(before, after);
    if (!bytes)
      continue;
    ++fitted;
    std::string page = before;
    REQUIRE(xbzrle_decode(std::as_bytes(std::span(*bytes)),
                          std::as_writable_bytes(std::span(page))));
    CHECK(page == after);
  }
  CHECK(fitted > 1000);
}

TEST_CASE("QEMU's own pages are encoded to the same bytes") {
  for (const char* version : {"7.2", "10.0", "11.1"}) {
    CAPTURE(version);
    auto bytes =
        read_zst_fixture(std::string("stream-") + version + "-xbzrle.zst");
    Reencoded reencoded;
    captures::StreamDecoder decoder(reencoded);
    REQUIRE(decoder.feed(bytes));
    REQUIRE(decoder.finish());
    CHECK(reencoded.pages > 50);
    CHECK(reencoded.same == reencoded.pages);
  }
}

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
