// mapped-ram files: where pages stand, and what cannot be.
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/sample_streams.h"

#include "captures/stream/limits.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::test;
using captures::DecoderOptions;

namespace {

constexpr uint64_t kAlign = 0x1000; // of QEMU's 1 MiB, to keep this small

// Header to MEM_SIZE. `shared`: with x-ignore-shared, too.
StreamBuilder head(uint64_t total, bool shared = false) {
  std::vector<std::string> capabilities = {"mapped-ram"};
  if (shared)
    capabilities.insert(capabilities.begin(), "x-ignore-shared");
  return StreamBuilder(kSmallPage)
      .header()
      .configuration("pc")
      .config_page_bits(10)
      .config_capabilities(capabilities)
      .start(2, "ram")
      .mem_size(total);
}

struct Field {
  uint32_t version = 1;
  uint64_t page_size = kSmallPage;
  int64_t bitmap = 0; // off from where it is right
  int64_t pages = 0;
};

// A block's entry with the bitmap and the pages in it, each filled with its
// number, in a file in which the stream begins at `origin`.
void add_block(StreamBuilder& b, std::string_view name, uint64_t length,
               uint64_t bitmap, uint64_t origin = 0, Field field = {}) {
  b.block(name, length);
  uint64_t at = origin + b.size() + 28;
  uint64_t pages = (at + 8 + kAlign - 1) / kAlign * kAlign;
  b.be32(field.version).be64(field.page_size).be64(at + field.bitmap);
  b.be64(pages + field.pages);
  for (int byte = 0; byte < 8; ++byte)
    b.u8(bitmap >> 8 * byte & 0xff);
  b.fill(pages - origin - b.size(), 0xee);
  for (uint64_t page = 0; page < length / kSmallPage; ++page)
    b.fill(kSmallPage, static_cast<uint8_t>(page));
}

StreamBuilder& finish(StreamBuilder& b) {
  return b.eos().footer().end(2).eos().footer().eof();
}

std::string broken(Field field, uint64_t length = 0x4000) {
  auto stream = head(0x8000);
  add_block(stream, "pc.ram", length, 0, 0, field);
  add_block(stream, "rest", 0x8000 - length, 0);
  return decode(finish(stream).done()).broken();
}

std::vector<std::string> pages_of(const Outcome& out) {
  EventLog log;
  log.lines = out.lines;
  return log.lines_of("normal page");
}

} // namespace

TEST_CASE("mapped-ram: the pages that the bitmap names, block by block") {
  for (uint64_t origin : {uint64_t{0}, uint64_t{0x12000}}) {
    CAPTURE(origin);
    auto stream = head(0x5000);
    add_block(stream, "pc.ram", 0x4000, 0x8005, origin);
    add_block(stream, "pc.bios", 0x1000, 0x2, origin);
    stream.block("empty", 0); // not counted by the total
    uint64_t header = origin + stream.size();
    stream.be32(1)
        .be64(kSmallPage)
        .be64(header + 28)
        .be64((header + 28 + kAlign - 1) / kAlign * kAlign);
    stream.fill(-(origin + stream.size()) % kAlign, 0);
    finish(stream);
    DecoderOptions options{.origin = origin};
    Outcome out = decode(stream.done(), options);
    CHECK(out.error == "");
    CHECK(out.position == origin + stream.size());
    uint64_t first = origin + kAlign;
    std::vector<std::string> wanted = {
        fmt::format("normal page 0x0 of 0 at {:#x}, 1024 wire bytes, 1024 ",
                    first),
        fmt::format("normal page 0x800 of 0 at {:#x}, 1024 wire",
                    first + 0x800),
        fmt::format("normal page 0x3c00 of 0 at {:#x}, 1024", first + 0x3c00),
        fmt::format("normal page 0x400 of 1 at {:#x}", first + 0x5000 + 0x400)};
    auto pages = pages_of(out);
    REQUIRE(pages.size() == wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      CHECK(pages[i].starts_with(wanted[i]));
    EventLog log;
    log.lines = out.lines;
    CHECK(log.count("block pc.ram") == 3); // the list so far, three times
    CHECK(log.count("block empty") == 1);
    CHECK(decode_by_bytes(stream.done(), options).lines == out.lines);
    for (size_t cut = 1; cut < stream.size(); cut += 41)
      CHECK(decode(stream.done(), options, {cut}).lines == out.lines);
  }
}

TEST_CASE("mapped-ram: more pages than a batch, a whole bitmap word and more") {
  auto stream = head(65 * kSmallPage + 0);
  uint64_t length = 65 * kSmallPage;
  stream.block("pc.ram", length);
  uint64_t at = stream.size() + 28;
  stream.be32(1).be64(kSmallPage).be64(at).be64(kAlign);
  stream.be64(0x0000000000000080).u8(1).fill(7, 0); // pages 63 and 64
  stream.fill(kAlign - stream.size(), 0).fill(length, 3);
  Outcome out = decode(finish(stream).done());
  CHECK(out.error == "");
  auto pages = pages_of(out);
  REQUIRE(pages.size() == 2);
  CHECK(pages[0].starts_with("normal page 0xfc00 of 0"));
  CHECK(pages[1].starts_with("normal page 0x10000 of 0"));
}

TEST_CASE("mapped-ram: a shared block is left out") {
  auto stream = head(0x5000, true);
  stream.block("shared", 0x4000)
      .be64(0)
      .be32(1)
      .be64(kSmallPage)
      .be64(0)
      .be64(0);
  stream.block("pc.ram", 0x1000).be64(0xc0000);
  uint64_t at = stream.size() + 28;
  stream.be32(1).be64(kSmallPage).be64(at).be64(kAlign).u8(1).fill(7, 0);
  stream.fill(kAlign - stream.size(), 0).fill(0x1000, 9);
  Outcome out = decode(finish(stream).done());
  CHECK(out.error == "");
  EventLog log;
  log.lines = out.lines;
  CHECK(log.lines_of("block shared").at(0).ends_with("mr_addr 0x0"));
  CHECK(log.count("normal page 0x0 of 1") == 1);
}

TEST_CASE("mapped-ram: headers that cannot be") {
  CHECK(broken({}) == "");
  CHECK(broken({.version = 2}).starts_with("unsupported at "));
  CHECK(
      broken({.version = 2})
          .ends_with(
              "mapped-ram header of block \"pc.ram\": version 2, expected 1"));
  CHECK(broken({.page_size = 4096})
            .ends_with("pages of 4096 bytes, expected the target's 1024"));
  CHECK(
      broken({.bitmap = 1})
          .find("where the header ends, counted from the start of the file") !=
      std::string::npos);
  CHECK(broken({.bitmap = -1}).starts_with("malformed at "));
  CHECK(broken({.pages = 1})
            .find("pages at 0x1001, expected a multiple of 0x400 from ") !=
        std::string::npos);
  CHECK(broken({.pages = -0x1000}).starts_with("malformed at "));
  CHECK(broken({.pages = 1ll << 40}).starts_with("malformed at "));
  CHECK(broken({.pages = -0x2000}).starts_with("malformed at "));
  CHECK(
      broken({}, 0x4200)
          .ends_with("a block of 0x4200 bytes, expected a multiple of the page "
                     "size 0x400"));
  auto huge = head(1ull << 50).block("pc.ram", 1ull << 50).be32(1);
  huge.be64(kSmallPage).be64(huge.size() + 16).be64(1ull << 40);
  CHECK(decode(huge.done())
            .error.ends_with(
                "a bitmap of 137438953472 bytes, expected at most 536870912"));
}

TEST_CASE("mapped-ram: bits beyond the last page are odd, and no pages") {
  auto stream = head(0x1000);
  add_block(stream, "pc.ram", 0x1000, 0xf1);
  Outcome out = decode(finish(stream).done());
  CHECK(out.error == "");
  CHECK(pages_of(out).size() == 1);
  EventLog log;
  log.lines = out.lines;
  CHECK(log.lines_of("problem").at(0).ends_with(
      "mapped-ram bitmap of block \"pc.ram\": 4 bits stand for pages beyond "
      "its end"));
}

TEST_CASE("mapped-ram: a file that was left before its end is told as such") {
  auto stream = head(0x4000);
  add_block(stream, "pc.ram", 0x4000, 0);
  stream.eos().footer().part(2).eos().footer();
  Outcome out = decode(stream.done());
  CHECK(out.error.starts_with("truncated at "));
  CHECK(out.lines.back().ends_with(
      "a mapped-ram file without the END of ram, with which QEMU writes what "
      "pages are there: pages that are not told of are unknown, not zero"));
  auto cut = [&](size_t size) {
    return decode(std::span(stream.done()).first(size)).error;
  };
  CHECK(cut(kAlign - 1) ==
        "truncated at 0xfff: the stream ends early: between the bitmap and the "
        "pages of block \"pc.ram\", in START of section 2 (\"ram\") from 0x66");
  CHECK(cut(0xb0).find(
            ": in the bitmap (6 of 8 bytes) of block \"pc.ram\", in START") !=
        std::string::npos);
  CHECK(cut(kAlign + 0x500)
            .find("at page 0x400 of 0x4000 bytes of block \"pc.ram\"") !=
        std::string::npos);
}

TEST_CASE("mapped-ram: damage between two blocks leaves the first") {
  auto stream = head(0x6000);
  add_block(stream, "pc.ram", 0x4000, 0x3);
  size_t bad = stream.size();
  add_block(stream, "pc.bios", 0x2000, 0x3);
  finish(stream).corrupt(bad, 0);
  Outcome out = decode(stream.done());
  CHECK(out.error == "");
  CHECK(pages_of(out).size() == 2);
  CHECK(out.broken().find("RAM block list: a block without name") !=
        std::string::npos);
}
