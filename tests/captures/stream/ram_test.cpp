// Bodies of the `ram` sections: block lists and page items.
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/sample_streams.h"

#include "captures/stream/limits.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::test;
using captures::wire::Command;
namespace wire = captures::wire;

namespace {

// A whole stream whose block list is what `list` appends; ends after START.
template <typename List>
Outcome with_list(StreamBuilder head, uint64_t total, List list) {
  head.start(1, "ram").mem_size(total);
  list(head);
  return decode(head.eos().footer().eof().done());
}

StreamBuilder plain() {
  return StreamBuilder().header();
}

StreamBuilder shared() {
  return StreamBuilder().header().configuration("pc").config_capabilities(
      {"x-ignore-shared"});
}

StreamBuilder advised(uint64_t page_sizes) {
  auto advice = StreamBuilder().be64(page_sizes).be64(4096).done();
  return StreamBuilder().header().command(Command::postcopy_advise, advice);
}

std::vector<std::string> blocks_of(const Outcome& out) {
  EventLog log;
  log.lines = out.lines;
  return log.lines_of("block ");
}

// The error of a PART whose items are what `items` appends, without the offset
// of the items' start, which is 0xb5.
template <typename Items>
std::string part_error(Items items) {
  auto stream = small_machine().part(2);
  items(stream);
  return decode(stream.eos().footer().eof().done()).broken();
}

} // namespace

TEST_CASE("block list ends at its total") {
  auto out = with_list(plain(), 0x3000, [](StreamBuilder& b) {
    b.block("pc.ram", 0x2000).block("/rom@etc/acpi/tables", 0x1000);
  });
  CHECK(out.error == "");
  CHECK(blocks_of(out) ==
        std::vector<std::string>{
            "block pc.ram 0x2000 page_size - mr_addr -",
            "block /rom@etc/acpi/tables 0x1000 page_size - mr_addr -"});
}

TEST_CASE("a last block without bytes is not counted by the total") {
  auto out = with_list(plain(), 0x1000, [](StreamBuilder& b) {
    b.block("pc.ram", 0x1000).block("empty", 0);
  });
  CHECK(out.error == "");
  CHECK(blocks_of(out).size() == 2);
}

TEST_CASE("with x-ignore-shared every block has its address") {
  auto out = with_list(shared(), 0x3000, [](StreamBuilder& b) {
    b.block("pc.ram", 0x2000).be64(0).block("rom", 0x1000).be64(0xfffc0000);
  });
  CHECK(out.error == "");
  CHECK(blocks_of(out) ==
        std::vector<std::string>{"block pc.ram 0x2000 page_size - mr_addr 0x0",
                                 "block rom 0x1000 page_size - mr_addr "
                                 "0xfffc0000"});
}

TEST_CASE("a block's page size stands there only where it is huge") {
  auto out = with_list(advised(0x201000), 0x401000, [](StreamBuilder& b) {
    b.block("a", 0x200000).be64(0x200000).block("b", 0x1000);
    b.block("c", 0x200000).be64(0x200000);
  });
  CHECK(out.error == "");
  CHECK(blocks_of(out) == std::vector<std::string>{
                              "block a 0x200000 page_size 0x200000 mr_addr -",
                              "block b 0x1000 page_size - mr_addr -",
                              "block c 0x200000 page_size 0x200000 mr_addr -"});
  // A size that ADVISE did not announce is none, nor is one without ADVISE.
  auto list = [](StreamBuilder& b) {
    b.block("a", 0x200000).be64(0x200000).block("b", 0x1000);
  };
  CHECK(with_list(advised(0x1000), 0x201000, list).broken() ==
        "malformed at 0x40: RAM block list: a block without name after "
        "0x200000 of 0x201000 bytes");
  CHECK(with_list(plain(), 0x201000, list).broken() ==
        "malformed at 0x2b: RAM block list: a block without name after "
        "0x200000 of 0x201000 bytes");
}

TEST_CASE("an EOS word after the last block is no page size") {
  auto out = with_list(advised(0x1010), 0x1000,
                       [](StreamBuilder& b) { b.block("a", 0x1000); });
  CHECK(out.error == "");
  CHECK(blocks_of(out) ==
        std::vector<std::string>{"block a 0x1000 page_size - mr_addr -"});
}

TEST_CASE("a page size that needs ADVISE with 16 bytes") {
  auto bitmaps_only =
      StreamBuilder().header().command(Command::postcopy_advise);
  CHECK(with_list(bitmaps_only, 0x201000,
                  [](StreamBuilder& b) {
                    b.block("a", 0x200000).be64(0x200000).block("b", 0x1000);
                  })
            .broken()
            .starts_with("malformed at "));
}

TEST_CASE("block lists that cannot be") {
  CHECK(with_list(plain(), 0x2000,
                  [](StreamBuilder& b) { b.block("pc.ram", 0x3000); })
            .broken() ==
        "malformed at 0x21: RAM block list: block \"pc.ram\" of 0x3000 bytes, "
        "expected at most the 0x2000 left of 0x2000");
  CHECK(
      with_list(plain(), 0x2000, [](StreamBuilder& b) {
        b.block("a", 4096).block("a", 4096);
      }).broken() == "malformed at 0x2b: RAM block list: a second block \"a\"");
  CHECK(with_list(plain(), 1ull << 53, [](StreamBuilder&) {})
            .broken()
            .starts_with("malformed at 0x19: RAM block list of "));
  CHECK(with_list(plain(), 0x1000, [](StreamBuilder& b) {
          b.block("a", 0x1000).mem_size(0);
        }).broken() == "malformed at 0x2b: a second RAM block list");
}

TEST_CASE("CONTINUE means the block of the page before, across sections") {
  auto stream = small_machine()
                    .part(2)
                    .zero("vga.vram", 0)
                    .eos()
                    .footer()
                    .part(2)
                    .zero(0x400)
                    .page(0x800, 7)
                    .zero("pc.ram", 0)
                    .zero(0xc00)
                    .eos()
                    .footer()
                    .eof();
  EventLog log;
  captures::StreamDecoder decoder(log);
  REQUIRE(decoder.feed(stream.done()));
  CHECK(log.count("zero page 0x400 of 1") == 1);
  CHECK(log.count("normal page 0x800 of 1") == 1);
  CHECK(log.count("zero page 0xc00 of 0") == 1);
}

TEST_CASE("page words that cannot be") {
  CHECK(part_error([](auto& b) { b.zero(0x400); }) ==
        "malformed at 0xb5: page 0x400 with flag CONTINUE, but no page before "
        "it names a block");
  CHECK(part_error([](auto& b) { b.zero("pc.rom", 0x400); }) ==
        "malformed at 0xb5: page 0x400 of block \"pc.rom\", which is not in "
        "the block list (2 blocks)");
  CHECK(part_error([](auto& b) { b.zero("vga.vram", 0x1000); }) ==
        "malformed at 0xb5: page 0x1000 of block \"vga.vram\": expected a "
        "multiple of 0x400 below the block's 0x1000 bytes");
  CHECK(part_error([](auto& b) {
          b.page("vga.vram", 0, 1).zero(0x4000);
        }).starts_with("malformed at 0x4c6: page 0x4000 of block"));
  CHECK(part_error(
            [](auto& b) { b.word(0x400, wire::kRamZero | wire::kRamPage); })
            .starts_with("malformed at 0xb5: page word 0x40a has flags 0x00a, "
                         "expected one of ZERO, PAGE, EOS"));
  CHECK(part_error([](auto& b) {
          b.word(0x400, 0);
        }).starts_with("malformed at 0xb5: page word 0x400 has flags 0x000"));
  CHECK(part_error([](auto& b) {
          b.word(0, wire::kRamContinue);
        }).starts_with("malformed at 0xb5: page word 0x20 has flags 0x020"));
  CHECK(part_error([](auto& b) { b.word(0x400, wire::kRamEos); }) ==
        "malformed at 0xb5: page word 0x410: EOS with address 0x400, expected "
        "none");
  CHECK(part_error([](auto& b) {
          b.mem_size(0x1000);
        }).starts_with("malformed at 0xb5: page word 0x1004 has flags "));
  CHECK(part_error([](auto& b) {
          b.word(0, wire::kRamZero).counted("pc.ram").u8(3);
        }) == "malformed at 0xb5: zero page 0x0 filled with 0x03, expected "
              "0x00");
  CHECK(part_error([](auto& b) { b.word(0, wire::kRamHook); }) ==
        "unsupported at 0xb5: page word with flag HOOK: RDMA, whose pages are "
        "not in the stream");
}

TEST_CASE("a page that leans on the one before is judged as strictly") {
  auto error = [](uint64_t address, uint64_t kind, uint8_t fill) {
    StreamBuilder stream;
    stream.header().start(0, "ram").mem_size(0x4000).block("a", 0x4000).eos();
    stream.footer().part(0).zero("a", 0).word(address,
                                              kind | wire::kRamContinue);
    return decode(stream.fill(4096, fill).done()).broken();
  };
  CHECK(error(0x1400, wire::kRamZero, 0)
            .starts_with("malformed at 0x48: page 0x1400 of block \"a\": "));
  CHECK(error(0x4000, wire::kRamZero, 0)
            .starts_with("malformed at 0x48: page 0x4000 of block \"a\": "));
  CHECK(error(0x1400, wire::kRamPage, 0)
            .starts_with("malformed at 0x48: page 0x1400 of block \"a\": "));
  CHECK(error(0x1000, wire::kRamZero, 9)
            .starts_with("malformed at 0x48: zero page 0x1000 filled with "));
  CHECK(error(0x3000, wire::kRamPage, 9).starts_with("truncated"));
}

TEST_CASE("encoded pages are length-checked") {
  CHECK(
      part_error([](auto& b) {
        b.zero("pc.ram", 0).word(0x400, wire::kRamXbzrle | wire::kRamContinue);
        b.u8(1).be16(1025);
      }) == "malformed at 0xc5: xbzrle page 0x400: encoding 0x01 and 1025 "
            "bytes, expected 0x01 and at most 1024");
  CHECK(
      part_error([](auto& b) {
        b.zero("pc.ram", 0).word(0x400, wire::kRamXbzrle | wire::kRamContinue);
        b.u8(2).be16(5);
      }).starts_with("malformed at 0xc5: xbzrle page 0x400: encoding 0x02"));
  CHECK(part_error([](auto& b) {
          b.zero("pc.ram", 0);
          b.word(0x400, wire::kRamCompress | wire::kRamContinue).be32(5000);
        }) ==
        "malformed at 0xc5: compressed page 0x400 of 5000 bytes, expected "
        "at most 1037");
}

TEST_CASE("pages before an error have been told, and position is the error's") {
  auto stream = small_machine().part(2).page("pc.ram", 0, 1).zero(0x400);
  uint64_t bad = stream.size();
  Outcome out = decode(stream.word(0x800, 0).done());
  CHECK(out.position == bad);
  CHECK(out.lines.back().starts_with("zero page 0x400"));
  auto whole = decode_by_bytes(stream.done());
  CHECK(whole.lines == out.lines);
  CHECK(whole.position == out.position);
}

TEST_CASE("target pages of other sizes") {
  for (uint32_t bits : {8u, 12u, 13u, 14u, 16u}) {
    CAPTURE(bits);
    uint32_t size = 1u << bits;
    auto stream = StreamBuilder(size)
                      .header()
                      .configuration("virt-10.0")
                      .config_page_bits(bits)
                      .start(0, "ram")
                      .mem_size(4 * size)
                      .block("mem", 4 * size)
                      .eos()
                      .footer()
                      .part(0)
                      .page("mem", 0, 1)
                      .page(size, 2)
                      .zero(2 * size)
                      .eos()
                      .footer()
                      .eof();
    EventLog log;
    captures::StreamDecoder decoder(log);
    REQUIRE(decoder.feed(stream.done()));
    CHECK(log.count("normal page") == 2);
    CHECK(log.count(fmt::format("zero page {:#x} of 0", 2 * size)) == 1);
  }
}

TEST_CASE("more pages than a batch holds") {
  StreamBuilder stream;
  stream.header().start(0, "ram").mem_size(0x4000000);
  stream.block("pc.ram", 0x4000000).eos().footer().part(0);
  stream.zero("pc.ram", 0);
  for (uint64_t page = 1; page < 5000; ++page)
    stream.zero(page * 4096);
  stream.eos().footer().eof();
  EventLog log;
  captures::StreamDecoder decoder(log);
  REQUIRE(decoder.feed(stream.done()));
  auto pages = log.lines_of("zero page");
  REQUIRE(pages.size() == 5000);
  CHECK(pages[4999].starts_with("zero page 0x1387000 of 0"));
}

TEST_CASE("a version of ram that is not known is refused") {
  CHECK(decode(plain().start(0, "ram", 5).done()).error ==
        "unsupported at 0x8: section 0 (\"ram\") has version 5, expected 4");
}

TEST_CASE("more blocks than can be followed are refused") {
  auto refused = [](size_t count) {
    Outcome out = with_list(plain(), count * 4096, [&](StreamBuilder& list) {
      for (size_t i = 0; i < count; ++i)
        list.block(fmt::format("b{}", i), 4096);
    });
    out.lines.push_back(out.error);
    return std::ranges::any_of(out.lines, [](const std::string& line) {
      return line.find("more than 4096 blocks") != line.npos;
    });
  };
  CHECK_FALSE(refused(captures::limits::kMaxRamBlocks));
  CHECK(refused(captures::limits::kMaxRamBlocks + 1));
}
