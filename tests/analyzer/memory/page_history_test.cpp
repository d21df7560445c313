#include "analyzer/memory/page_history.h"

#include "analyzer/memory/memory_report.h"
#include "captures/stream/wire.h"
#include "tests/analyzer/memory/ram_stream.h"

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::testing;
using captures::PageKind;
using test::StreamBuilder;

TEST_CASE("all sends of a page, and no other's") {
  StreamBuilder stream = ram_start(4 * kPage);
  size_t first = stream.size();
  stream.part(0).page("pc.ram", kPage, 5).page(2 * kPage, 1).eos().footer();
  Bytes one{std::byte{0}, std::byte{1}, std::byte{7}};
  size_t second = stream.size();
  stream.part(0).page("pc.ram", 0, 5).xbzrle(kPage, one).eos().footer();
  stream.command(captures::wire::Command::postcopy_discard,
                 StreamBuilder()
                     .u8(0)
                     .counted("pc.ram")
                     .u8(0)
                     .be64(0)
                     .be64(2 * kPage)
                     .done());
  stream.part(0).page("pc.ram", 0, 5).xbzrle(kPage, one).zero(kPage);
  stream.eos().footer();
  PageHistory history("pc.ram", kPage + 17);
  captures::StreamDecoder decoder(history);
  REQUIRE(decoder.feed(stream.done()).has_value());

  CHECK(history.address() == kPage);
  const std::vector<PageSend>& sends = history.sends();
  REQUIRE(sends.size() == 5);
  CHECK(sends[0].kind == PageKind::normal);
  CHECK(sends[0].section == first);
  CHECK(sends[0].offset == first + 5);
  CHECK(sends[0].wire_bytes == 8 + 7 + kPage);
  CHECK_FALSE(sends[0].changed_bytes);
  CHECK(sends[1].kind == PageKind::xbzrle);
  CHECK(sends[1].section == second);
  CHECK(sends[1].changed_bytes == 1);
  CHECK(sends[1].digest != sends[0].digest);
  CHECK_FALSE(sends[2].kind); // the discard
  CHECK_FALSE(sends[3].digest);
  CHECK(sends[4].kind == PageKind::zero);
  CHECK(sends[4].digest);
  CHECK_FALSE(sends[4].changed_bytes);
}

TEST_CASE("a page that is not there") {
  captures::RamBlock block{"pc.ram", 2 * kPage};
  for (auto [name, offset] :
       {std::pair{"pc.rom", 0u}, std::pair{"pc.ram", 2 * kPage}}) {
    PageHistory history(name, offset);
    history.on_ram_blocks({&block, 1}, kPage);
    CHECK_FALSE(history.found());
  }
}

TEST_CASE("names of pages") {
  auto physical = parse_page_name("0x7fe000");
  REQUIRE(physical);
  CHECK(physical->block.empty());
  CHECK(physical->offset == 0x7fe000);
  auto inside = parse_page_name("0000:00:02.0/vga.vram:4096");
  REQUIRE(inside);
  CHECK(inside->block == "0000:00:02.0/vga.vram");
  CHECK(inside->offset == 4096);
  for (const char* bad : {"", "x", ":1", "pc.ram:", "0x", "pc.ram:1 ", "-1",
                          "0x1g", "0x10000000000000000"})
    CHECK_FALSE(parse_page_name(bad).has_value());
}

TEST_CASE("where rounds end") {
  Analysis analysis;
  analysis.outcome.mode = "precopy";
  analysis.input.channels = 1;
  for (uint64_t number : {1, 2, 3, 4}) {
    Round round;
    round.number = number;
    if (number != 3) // it sent nothing
      round.first_offset = number * 1000;
    analysis.rounds.push_back(round);
  }
  CHECK(end_of_round(analysis, 1)->stop == 2000);
  CHECK(end_of_round(analysis, 2)->stop == 4000);
  CHECK(end_of_round(analysis, 3)->stop == 4000);
  CHECK_FALSE(end_of_round(analysis, 4)->stop);
  CHECK(end_of_round(analysis, 5).error().kind == ErrorKind::usage);
  analysis.input.channels = 3;
  CHECK(end_of_round(analysis, 1).error().kind == ErrorKind::unsupported);
  analysis.input.channels = 1;
  analysis.outcome.mode = "postcopy";
  CHECK(end_of_round(analysis, 1).error().kind == ErrorKind::unsupported);
}
