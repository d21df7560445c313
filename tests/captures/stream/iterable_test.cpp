// START, PART and END of others than ram. Whole ones are in sample_streams.
#include "captures/stream/iterable_body.h"
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/sample_streams.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::test;
using captures::Grammar;
using captures::grammar_of;

namespace {

constexpr uint64_t kVfioTag = 0xffffffffef100000;

// START of `idstr` (id 3) with the body that `body` appends, then EOF. Yields
// the end of its section, or the error.
template <typename Body>
std::string body_of(std::string_view idstr, Body body) {
  auto stream = small_machine().start(3, idstr);
  body(stream);
  stream.footer(3).eof();
  Outcome out = decode(stream.done());
  Outcome by_bytes = decode_by_bytes(stream.done());
  CHECK(by_bytes.lines == out.lines);
  CHECK(by_bytes.error == out.error);
  if (!out.broken().empty())
    return out.broken();
  EventLog log;
  log.lines = out.lines;
  auto line = log.lines_of("section_end 3").at(0);
  return line.substr(line.find("body"));
}

} // namespace

TEST_CASE("grammars go by the section's name") {
  CHECK(grammar_of("block") == Grammar::block);
  CHECK(grammar_of("dirty-bitmap") == Grammar::dirty_bitmap);
  CHECK(grammar_of("spapr/htab") == Grammar::htab);
  CHECK(grammar_of("s390-storage_attributes") == Grammar::s390_storage);
  CHECK(grammar_of("0000:01:00.0/vfio") == Grammar::vfio);
  CHECK(grammar_of("vfio") == Grammar::unknown);
}

TEST_CASE("block: zero chunks, full chunks, progress") {
  CHECK(body_of("block", [](auto& b) {
          b.be64(5 << 9 | 0x09).counted("disk"); // zero
          b.be64(6 << 9 | 0x01).counted("disk").fill(1u << 20, 0x7e);
          b.be64(100 << 9 | 0x04); // progress
          b.be64(0x02);
        }) == "body 1048618 parsed");
  CHECK(body_of("block", [](auto& b) { b.be64(0x10); }) ==
        "malformed at 0xc3: block migration item with flags 0x010, expected "
        "data, zero data, progress or EOS");
}

TEST_CASE("dirty-bitmap: granularity has 32 bits, names come only at times") {
  CHECK(body_of("dirty-bitmap", [](auto& b) {
          b.u8(0x1c).counted("d").counted("b").be32(65536).u8(1);
          b.u8(0x40).be64(0).be32(8).be64(4).fill(4, 0x7e);
          b.u8(0x42).be64(8).be32(8);
          b.u8(0x20).u8(0x01);
        }) == "body 50 parsed");
  CHECK(body_of("dirty-bitmap", [](auto& b) { b.u8(0x04).counted("b"); })
            .starts_with("malformed at 0xca: dirty bitmap item with flags "
                         "0x04"));
  CHECK(body_of("dirty-bitmap", [](auto& b) {
          b.u8(0x80);
        }).starts_with("malformed at 0xca: dirty bitmap item with more "));
  CHECK(body_of("dirty-bitmap",
                [](auto& b) { b.u8(0x40).be64(0).be32(8).be64(1ull << 60); }) ==
        "malformed at 0xca: dirty bitmap data of 0x1000000000000000 bytes, "
        "expected at most 0x4000000");
}

TEST_CASE("vfio: tags that end a body, and one that hides its end") {
  CHECK(body_of("x/vfio", [](auto& b) { b.be64(kVfioTag | 5); }) ==
        "body 8 parsed");
  CHECK(body_of("x/vfio", [](auto& b) { b.be64(kVfioTag | 6); }) ==
        "body 8 parsed");
  CHECK(body_of("x/vfio", [](auto& b) {
          b.be64(kVfioTag | 4).be64(3).fill(3, 0x7e).be64(kVfioTag | 1);
        }) == "body 27 parsed");
  // A footer without the END tag before it, END without footer after it.
  CHECK(body_of("x/vfio", [](auto& b) {
          b.be64(kVfioTag | 2).footer(3).device(4, "timer", 1);
          b.be64(kVfioTag | 1).u8(0x11).be64(kVfioTag | 1);
        }) == "body 55 footer_scan");
  CHECK(body_of("x/vfio", [](auto& b) { b.be64(7); })
            .starts_with("malformed at 0xc4: vfio tag 0x0000000000000007, "
                         "expected 0xffffffffef100001 to "));
}

TEST_CASE("htab and storage attributes") {
  CHECK(body_of("spapr/htab", [](auto& b) { b.be32(24); }) == "body 4 parsed");
  // Only zeros end the table; an entry may be empty.
  auto table = small_machine().start(3, "spapr/htab").be32(24).footer();
  table.part(3).be32(0).be32(5).be32(0).be64(0).footer();
  CHECK(decode(table.eof().done()).error == "");
  CHECK(body_of("s390-storage_attributes", [](auto& b) {
          b.be64(0x2002).be64(9).fill(9, 0x7e).be64(0x04).be64(0x01);
        }) == "body 41 parsed");
  CHECK(body_of("s390-storage_attributes", [](auto& b) { b.be64(0x03); })
            .starts_with("malformed at 0xd5: storage attributes item with "
                         "flags 0x003"));
}

TEST_CASE("a layout that is not known is scanned, with one problem") {
  auto stream = small_machine()
                    .start(3, "new-thing")
                    .fill(3, 1)
                    .footer()
                    .part(3)
                    .fill(4, 0x7e)
                    .footer()
                    .end(3)
                    .footer()
                    .eof();
  EventLog log;
  captures::StreamDecoder decoder(log);
  REQUIRE(decoder.feed(stream.done()));
  REQUIRE(decoder.finish());
  CHECK(log.count("problem at 0xb0: section 3 (\"new-thing\") has a layout "
                  "that is not known") == 1);
  CHECK(log.count("problem") == 1);
  CHECK(log.lines_of("section_end 3").at(1).ends_with("body 4 footer_scan"));
}
