// Commands, packages, and streams that are more than one plain precopy.
#include "captures/stream/command.h"
#include "captures/stream/limits.h"
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/sample_streams.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;
using captures::wire::Command;
using Bytes = StreamBuilder::Bytes;

namespace {

CommandItem item_of(Command command, const Bytes& payload) {
  return {0x100, static_cast<uint16_t>(command), payload};
}

std::string error_with(const StreamBuilder& stream) {
  return decode(stream.done()).broken();
}

StreamBuilder discard(std::string_view block, uint8_t version = 0,
                      uint8_t terminator = 0) {
  return StreamBuilder().u8(version).counted(block).u8(terminator);
}

size_t count(const Outcome& out, std::string_view start) {
  return static_cast<size_t>(
      std::ranges::count_if(out.lines, [&](const std::string& line) {
        return line.starts_with(start);
      }));
}

} // namespace

TEST_CASE("payload lengths") {
  CHECK(legal_length(2, 4));
  CHECK_FALSE(legal_length(2, 0));
  CHECK(legal_length(3, 0));
  CHECK(legal_length(3, 16));
  CHECK_FALSE(legal_length(3, 8));
  CHECK(legal_length(10, 7));
  CHECK_FALSE(legal_length(10, 0));
  CHECK_FALSE(legal_length(0, 0));
  CHECK_FALSE(legal_length(12, 0));
  CHECK(error_with(small_machine().command(Command::ping)) ==
        "malformed at 0xb0: command PING with a payload of 0 bytes, which it "
        "never has");
}

TEST_CASE("a command of a later QEMU is told, with a problem") {
  Outcome out =
      decode(small_machine().command(static_cast<Command>(40)).eof().done());
  CHECK(out.error == "");
  CHECK(count(out, "command 40 at 0xb0") == 1);
  CHECK(count(out, "problem at 0xb0: command 40 is not known") == 1);
}

TEST_CASE("POSTCOPY_ADVISE: none for dirty bitmaps, two words for RAM") {
  CHECK(parse_postcopy_advise(item_of(Command::postcopy_advise, {})).value() ==
        std::nullopt);
  auto both = StreamBuilder().be64(0x201000).be64(4096).done();
  auto advice = parse_postcopy_advise(item_of(Command::postcopy_advise, both));
  REQUIRE(advice);
  CHECK((*advice)->block_page_sizes == 0x201000);
  CHECK((*advice)->target_page_size == 4096);
  auto odd = StreamBuilder().be64(0x1000).be64(4097).done();
  CHECK_FALSE(parse_postcopy_advise(item_of(Command::postcopy_advise, odd)));
  auto huge = StreamBuilder().be64(0x1000).be64(1ull << 32).done();
  CHECK_FALSE(parse_postcopy_advise(item_of(Command::postcopy_advise, huge)));
  // Once pages are told, their size cannot change.
  CHECK(error_with(small_machine().command(Command::postcopy_advise, both)) ==
        "malformed at 0xb0: command POSTCOPY_ADVISE: target page size 4096, "
        "but it was 1024 until here");
}

TEST_CASE("POSTCOPY_RAM_DISCARD") {
  auto two = discard("pc.ram").be64(0).be64(0x400).be64(0x800).be64(1).done();
  auto parsed = parse_ram_discard(item_of(Command::postcopy_discard, two));
  REQUIRE(parsed);
  CHECK(parsed->block == "pc.ram");
  REQUIRE(parsed->ranges.size() == 2);
  CHECK(parsed->ranges[1].start == 0x800);
  CHECK(parsed->ranges[1].length == 1);
  auto bad = [](const StreamBuilder& payload) {
    auto out =
        parse_ram_discard(item_of(Command::postcopy_discard, payload.done()));
    return out ? "" : describe(out.error());
  };
  CHECK(bad(discard("pc.ram", 1)) == "at 0x100: command POSTCOPY_RAM_DISCARD: "
                                     "version 1, expected 0");
  CHECK(bad(discard("pc.ram", 0, 7)) ==
        "at 0x100: command POSTCOPY_RAM_DISCARD: 0x7 after the block name, "
        "expected zero");
  CHECK(bad(discard("pc.ram").be64(0)) != "");
  CHECK(bad(StreamBuilder().u8(0).u8(200).text("short")) != "");
  CHECK(error_with(small_machine().command(Command::postcopy_discard,
                                           discard("pc.rom").done())) ==
        "malformed at 0xb0: command POSTCOPY_RAM_DISCARD for block \"pc.rom\", "
        "which is not in the block list");
}

TEST_CASE("RECV_BITMAP names a block") {
  auto name = StreamBuilder().counted("pc.ram").done();
  CHECK(parse_recv_bitmap(item_of(Command::recv_bitmap, name)) == "pc.ram");
  auto more = StreamBuilder().counted("pc.ram").u8(1).done();
  CHECK_FALSE(parse_recv_bitmap(item_of(Command::recv_bitmap, more)));
  CHECK_FALSE(parse_recv_bitmap(
      item_of(Command::recv_bitmap, StreamBuilder().u8(0).u8(0).done())));
}

TEST_CASE("a package ends where it says, and nowhere else") {
  auto packaged = [](const StreamBuilder& inner) {
    return small_machine().package(inner).end(2).eos().footer().eof();
  };
  auto good = packaged(
      StreamBuilder().device(4, "timer", 9).command(Command::postcopy_run));
  Outcome out = decode(good.done());
  CHECK(out.error == "");
  CHECK(count(out, "package at 0xb9, 38 bytes") == 1);
  CHECK(count(out, "package_end at 0xdf") == 1);

  // A device may even be the last thing in it; then nothing follows its footer.
  CHECK(error_with(packaged(StreamBuilder().device(4, "timer", 9))) == "");
  CHECK(error_with(packaged(StreamBuilder())) == "");
  // Half an item at its end, a body without footer, and the end of the stream.
  CHECK(error_with(packaged(StreamBuilder().u8(8).be16(5))) ==
        "malformed at 0xb9: the package ends early, at 0xbc: in a command");
  CHECK(error_with(packaged(StreamBuilder().full(4, "timer").fill(9, 1)))
            .starts_with("malformed at 0xcc: the package ends early, at 0xd5: "
                         "in the body of FULL"));
  CHECK(error_with(packaged(StreamBuilder().part(2).zero("pc.ram", 0)))
            .starts_with("malformed at 0xce: the package ends early, at 0xce: "
                         "before the EOS"));
  CHECK(error_with(packaged(StreamBuilder().eof())) ==
        "malformed at 0xb9: an end-of-stream byte inside the package that ends "
        "at 0xba");
  CHECK(error_with(packaged(StreamBuilder().package(StreamBuilder()))) ==
        "malformed at 0xb9: command PACKAGED inside a package");
  CHECK(error_with(small_machine().command(
            Command::packaged, StreamBuilder().be32(0x1000001).done())) ==
        "malformed at 0xb0: command PACKAGED: 16777217 bytes, expected at most "
        "16777216");
}

TEST_CASE("errors of a package do not depend on the cut") {
  for (const StreamBuilder& inner :
       {StreamBuilder().u8(8).be16(5), StreamBuilder().full(4, "t").fill(9, 1),
        StreamBuilder().full(4, "t").fill(9, 1).footer().u8(0x02),
        StreamBuilder().part(2).zero("pc.ram", 0)}) {
    auto stream = small_machine().package(inner).fill(600, 0x7e);
    Outcome whole = decode(stream.done());
    Outcome by_bytes = decode_by_bytes(stream.done());
    CHECK(whole.error.starts_with("malformed"));
    CHECK(by_bytes.error == whole.error);
    CHECK(by_bytes.lines == whole.lines);
    CHECK(by_bytes.position == whole.position);
  }
}

TEST_CASE("a background snapshot has no END, and devices after its RAM") {
  Outcome out = decode(small_machine()
                           .part(2)
                           .page("pc.ram", 0, 1)
                           .eos()
                           .footer()
                           .device(4, "timer", 9)
                           .eof()
                           .description("{}")
                           .done());
  CHECK(out.error == "");
  CHECK(count(out, "end ") == 0);
}

TEST_CASE("postcopy can end a section twice, and others than ram late") {
  Outcome out = decode(small_machine()
                           .start(3, "dirty-bitmap")
                           .u8(1)
                           .footer()
                           .end(3)
                           .u8(1)
                           .footer()
                           .part(2)
                           .zero("pc.ram", 0)
                           .eos()
                           .footer()
                           .end(3)
                           .u8(1)
                           .footer()
                           .end(2)
                           .eos()
                           .footer()
                           .eof()
                           .done());
  CHECK(out.error == "");
  CHECK(count(out, "end 3 ") == 2);
}

TEST_CASE("COLO: decoding stops where checkpoints begin") {
  auto stream = StreamBuilder()
                    .header()
                    .command(Command::enable_colo)
                    .start(1, "ram")
                    .mem_size(0)
                    .eos()
                    .footer()
                    .device(4, "timer", 9)
                    .eof();
  CHECK(error_with(stream) == "");
  uint64_t end = stream.size();
  Outcome out = decode(stream.be32(1).be32(3).fill(40, 0).done());
  CHECK(out.error == fmt::format("unsupported at {:#x}: COLO checkpoints "
                                 "follow; they are not decoded",
                                 end));
  CHECK(out.lines.back().starts_with("eof at "));
  auto described = stream.cut(end).description("{}");
  CHECK(error_with(described) == "");
  CHECK(error_with(described.be32(1)).starts_with("unsupported at "));
}

TEST_CASE("CPR: a block list and no page") {
  auto stream = small_machine().end(2).eos().footer().device(4, "timer", 9);
  Outcome out = decode(stream.eof().description("{}").done());
  CHECK(out.error == "");
  CHECK(count(out, "normal page") + count(out, "zero page") == 0);
}

TEST_CASE("the state of a connection is what the next one needs") {
  EventLog log;
  StreamDecoder first(log);
  auto stream = small_machine().part(2).page("vga.vram", 0x400, 1);
  REQUIRE(first.feed(stream.done()));
  CHECK(first.finish().error().kind == ErrorKind::truncated);
  ConnectionState state = first.connection_state();
  CHECK(state.page_size == kSmallPage);
  CHECK(state.footers == true);
  REQUIRE(state.blocks.size() == 2);
  REQUIRE(state.sections.size() == 1);
  CHECK(state.sections[0].idstr == "ram");

  auto second = StreamBuilder(kSmallPage)
                    .command(Command::postcopy_resume)
                    .part(2)
                    .page("vga.vram", 0x800, 1)
                    .eos()
                    .footer()
                    .end(2)
                    .eos()
                    .footer()
                    .eof();
  Outcome out = decode(second.done(), {.resumed = state});
  CHECK(out.error == "");
  CHECK(count(out, "normal page 0x800 of 1") == 1);
  // The block of the page before is forgotten.
  auto without_name =
      StreamBuilder(kSmallPage).part(2).page(0x800, 1).eos().footer();
  CHECK(decode(without_name.done(), {.resumed = state})
            .broken()
            .starts_with("malformed at 0x5: page 0x800 with flag CONTINUE"));
  CHECK(decode(StreamBuilder().part(3).done(), {.resumed = state}).error ==
        "malformed at 0x0: PART of section 3, which no START has opened");
}

TEST_CASE("what looks like an end of the stream is none inside a package") {
  // Whether the package's end is there yet or not.
  auto inner = StreamBuilder().full(4, "timer").fill(9, 1).footer(33).eof();
  inner.u8(wire::kVmDescription).be32(20).text("{").fill(500, 1);
  auto bytes = small_machine().package(inner).done();
  Outcome whole = decode(bytes), pieces = decode_by_bytes(bytes);
  CHECK(whole.lines == pieces.lines);
  CHECK(whole.error == pieces.error);
}
