// A whole recording, read twice.
#include "analyzer/analyze.h"
#include "analyzer/what_if/what_if.h"
#include "tests/support/bytes.h"
#include "tests/support/stream_builder.h"
#include "tests/support/temp_dir.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::test;

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kName = 1 + 3; // of block "ram"

Result<Analysis> tried(const std::filesystem::path& path,
                       uint64_t smallest_cache) {
  auto recording = captures::open_recording(path);
  REQUIRE(recording);
  auto analysis = analyze(*recording);
  REQUIRE(analysis);
  WhatIfOptions options{.cpu_seconds = [] { return 0.0; },
                        .scratch = "/tmp",
                        .smallest_cache = smallest_cache};
  if (auto done = add_what_if(*analysis, *recording, options); !done)
    return fail(done.error());
  return analysis;
}

WhatIf tried(const StreamBuilder& stream, uint64_t smallest_cache) {
  testing::TempDir folder;
  auto path = folder.path() / "stream";
  testing::write_file(path, stream.done());
  auto analysis = tried(path, smallest_cache);
  REQUIRE(analysis);
  REQUIRE(analysis->what_if);
  return *analysis->what_if;
}

StreamBuilder head(uint64_t pages) {
  return StreamBuilder()
      .header()
      .configuration("pc-i440fx-7.2")
      .start(2, "ram")
      .mem_size(pages * kPage)
      .block("ram", pages * kPage)
      .eos()
      .footer();
}

StreamBuilder tail(StreamBuilder stream) {
  return stream.footer().eof();
}

// Pages of four; round 1 sends all, one of them zero.
StreamBuilder first_round() {
  return head(4)
      .part(2)
      .page("ram", 0, 'a')
      .page(kPage, 'b')
      .zero(2 * kPage)
      .page(3 * kPage, 'd')
      .eos()
      .footer();
}

const XbzrleCache& only(const WhatIf& found) {
  REQUIRE(found.xbzrle);
  REQUIRE(found.xbzrle->caches.size() == 1);
  return found.xbzrle->caches[0];
}

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(MIGSCOPE_FIXTURES) / (name + ".zst");
}

} // namespace

TEST_CASE("what a page was in the first round is in no cache") {
  WhatIf found = tried(tail(first_round()
                                .part(2)
                                .page(0, 'a') // unchanged, a miss all the same
                                .page(kPage, 'c')
                                .eos()
                                .footer()
                                .part(2)
                                .page(0, 'a')
                                .eos()
                                .footer()
                                .end(2)
                                .page(0, 'x')
                                .eos()),
                       4 * kPage);
  const XbzrleCache& cache = only(found);
  CHECK(cache.misses == 2);
  CHECK(cache.hits == 2);
  CHECK(cache.unchanged == 1);
  CHECK(cache.overflows == 1);
  CHECK(cache.encoded_bytes == kPage);
  CHECK(found.xbzrle->unreadable == 0);
  CHECK(found.ram_bytes == kName + 7 * (8 + kPage) + 9);
  CHECK(cache.ram_bytes == found.ram_bytes - 8 - kPage);
  CHECK(found.unchanged.pages == 2);
  CHECK(found.unchanged.bytes == 2 * (8 + kPage));
  CHECK(found.unchanged.zero_pages == 0);
}

TEST_CASE("zero pages go into the cache, and out of it encoded") {
  WhatIf found = tried(tail(first_round()
                                .part(2)
                                .page(kPage, 'b')
                                .zero(2 * kPage)
                                .eos()
                                .footer()
                                .part(2)
                                .zero(kPage) // not a miss
                                .page(2 * kPage, 'c')
                                .eos()
                                .footer()
                                .end(2)
                                .page(kPage, 0)
                                .eos()),
                       4 * kPage);
  const XbzrleCache& cache = only(found);
  CHECK(cache.misses == 1);
  CHECK(cache.hits == 1);
  CHECK(cache.overflows == 1);
  CHECK(cache.encoded_bytes == kPage);
  CHECK(found.xbzrle->unreadable == 0);
  CHECK(found.unchanged.pages == 1);
  CHECK(found.unchanged.zero_pages == 2);
  CHECK(found.unchanged.zero_bytes == 9 + 8 + kPage);
}

TEST_CASE("pages that share a slot put each other out, but not when fresh") {
  // Two slots: pages 0 and 2, 1 and 3.
  auto round = [](StreamBuilder stream) {
    return stream.part(2)
        .page(0, 'a')
        .page(kPage, 'b')
        .page(2 * kPage, 'c')
        .page(3 * kPage, 'd')
        .eos()
        .footer();
  };
  StreamBuilder stream = round(round(round(first_round())));
  WhatIf found = tried(tail(stream.end(2).eos()), 2 * kPage);
  REQUIRE(found.xbzrle->caches.size() == 2);
  const XbzrleCache& small = found.xbzrle->caches[0];
  const XbzrleCache& large = found.xbzrle->caches[1];
  CHECK(small.cache_bytes == 2 * kPage);
  CHECK(small.misses == 4 + 2 + 2);
  CHECK(small.hits == 2 + 2);
  CHECK(large.cache_bytes == 4 * kPage);
  CHECK(large.misses == 4);
  CHECK(large.hits == 8);
  CHECK(large.unchanged == 8);
}

TEST_CASE("the last round leaves the cache as it is") {
  // Page 3 is two rounds old when page 1, of the same slot, is sent.
  WhatIf found = tried(tail(first_round()
                                .part(2)
                                .page(3 * kPage, 'd')
                                .page(0, 'a')
                                .eos()
                                .footer()
                                .part(2)
                                .page(0, 'a')
                                .eos()
                                .footer()
                                .end(2)
                                .page(0, 'a')
                                .page(kPage, 'b')
                                .page(3 * kPage, 'd')
                                .eos()),
                       2 * kPage);
  const XbzrleCache& small = found.xbzrle->caches[0];
  CHECK(small.misses == 3);
  CHECK(small.hits == 3);
}

TEST_CASE("a block's name is told again only where pages of it are sent") {
  auto stream = StreamBuilder()
                    .header()
                    .configuration("pc-i440fx-7.2")
                    .start(2, "ram")
                    .mem_size(2 * kPage)
                    .block("ram", kPage)
                    .block("rom", kPage)
                    .eos()
                    .footer();
  for (int i = 0; i < 3; ++i)
    stream.part(2)
        .page("ram", 0, static_cast<uint8_t>('a' + (i > 0)))
        .page("rom", 0, static_cast<uint8_t>('a' + i))
        .eos()
        .footer();
  WhatIf found = tried(tail(stream.end(2).eos()), 64u << 20);
  const XbzrleCache& cache = only(found);
  CHECK(cache.misses == 2);
  CHECK(cache.unchanged == 1);
  CHECK(cache.overflows == 1);
  // Of the third round the last page alone, and behind another of its block.
  CHECK(cache.ram_bytes == 4 * (8 + kName + kPage) + 8 + kPage);
}

TEST_CASE("a capture made with xbzrle is predicted to the byte") {
  for (const char* version : {"7.2", "10.0", "11.1"}) {
    CAPTURE(version);
    auto analysis =
        tried(fixture(std::string("stream-") + version + "-xbzrle"), 64u << 20);
    REQUIRE(analysis);
    const WhatIf& found = *analysis->what_if;
    const XbzrleCache& cache = only(found);
    CHECK(cache.ram_bytes == found.ram_bytes);
    CHECK(found.ram_bytes == analysis->ram->totals.bytes);
    // What had not changed is not in such a stream.
    CHECK(cache.unchanged == 0);
    CHECK(cache.hits - cache.overflows == analysis->ram->totals.xbzrle);
    CHECK(found.xbzrle->unreadable == 0);
  }
}

TEST_CASE("of pages over several channels xbzrle is not told, the rest is") {
  auto recording = captures::open_recording(fixture("stream-7.2-precopy"));
  REQUIRE(recording);
  auto analysis = analyze(*recording);
  REQUIRE(analysis);
  analysis->outcome.mode = "postcopy";
  REQUIRE(add_what_if(*analysis, *recording,
                      {.cpu_seconds = [] { return 0.0; }, .scratch = "/tmp"}));
  CHECK_FALSE(analysis->what_if->xbzrle);
  CHECK(analysis->what_if->no_xbzrle ==
        "xbzrle works on precopy over one channel; this is postcopy, 1 "
        "channels");
  CHECK(analysis->what_if->multifd.size() == 2);
  CHECK(analysis->what_if->ram_bytes == analysis->ram->totals.bytes);
}

TEST_CASE("without a stream, and without room for its pages, it fails") {
  Analysis analysis;
  captures::Recording nothing;
  auto none = add_what_if(analysis, nothing, {});
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::unsupported);
  auto recording = captures::open_recording(fixture("stream-7.2-precopy"));
  auto sound = analyze(*recording);
  auto full = add_what_if(*sound, *recording,
                          {.cpu_seconds = {}, .scratch = "/nowhere"});
  REQUIRE_FALSE(full);
  CHECK(full.error().kind == ErrorKind::io);
}
