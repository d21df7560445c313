// What is told of a stream that is broken somewhere, and where it goes on.
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/sample_streams.h"

#include "captures/stream/limits.h"

#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::test;
using captures::DecoderOptions;
using captures::wire::Command;
namespace wire = captures::wire;

namespace {

EventLog log_of(const Outcome& out) {
  EventLog log;
  log.lines = out.lines;
  return log;
}

// What is told of a stream, which must not depend on how it comes.
EventLog told(const StreamBuilder& stream, const DecoderOptions& options = {}) {
  Outcome out = decode(stream.done(), options);
  Outcome by_bytes = decode_by_bytes(stream.done(), options);
  CHECK(out.error == "");
  CHECK(by_bytes.error == "");
  CHECK(by_bytes.lines == out.lines);
  CHECK(out.position == stream.size());
  return log_of(out);
}

// The only damage of `log`.
std::string damage(const EventLog& log) {
  auto lines = log.lines_of("damage ");
  CHECK(lines.size() == 1);
  return lines.empty() ? "" : lines[0];
}

std::string resumed_at(uint64_t offset) {
  return fmt::format("; resumed {:#x}", offset);
}

// RAM (id 2), and devices 4 and 5 that end it.
StreamBuilder& finished(StreamBuilder& stream) {
  return stream.end(2).eos().footer().device(4, "timer", 9).device(5, "rtc", 7);
}

} // namespace

TEST_CASE("a broken page: the section is left, the next one is read") {
  auto stream = small_machine().part(2).page("pc.ram", 0, 1);
  size_t bad = stream.size();
  stream.word(0x401, wire::kRamPage | wire::kRamContinue).fill(1024, 2);
  stream.eos().footer();
  size_t next = stream.size();
  stream.part(2).page("vga.vram", 0, 3).eos().footer();
  EventLog log = told(finished(stream).eof());
  CHECK(damage(log) ==
        fmt::format("damage malformed at {:#x}: in PART of section 2 "
                    "(\"ram\") from 0xb0: page word 0x429 has flags 0x029, "
                    "expected one of ZERO, PAGE, EOS, XBZRLE, COMPRESS_PAGE, "
                    "MULTIFD_FLUSH or, first in a START, MEM_SIZE",
                    bad) +
            resumed_at(next));
  CHECK(log.count("normal page 0x0 of 0") == 1);
  CHECK(log.count("normal page 0x0 of 1") == 1);
  CHECK(log.count("section_end 2") == 3); // not of the broken one
}

TEST_CASE("look-alikes in a page are not where it goes on") {
  StreamBuilder decoys(kSmallPage);
  decoys.footer(2).part(2).u8(0x55);                 // no page word
  decoys.footer(2).part(2).zero("pc.rom", 0);        // no such block
  decoys.footer(2).part(2).zero("vga.vram", 0x1000); // beyond its end
  decoys.footer(2).part(2).zero("pc.ram", 0).u8(1);  // no second item
  decoys.footer(2).part(7).eos();                    // no such section
  decoys.footer(0x10000).full(4, "timer");           // no such id
  decoys.footer(2).full(0x10000, "timer");           // nor this one
  decoys.footer(2).full(4, "a b").footer(2).full(4, "a", 1u << 16);
  decoys.footer(2).command(Command::switchover_start).u8(0x55);
  decoys.footer(2).eof().u8(0x55);
  auto stream = small_machine().part(2).word(0, 0).bytes(decoys.done());
  stream.eos().footer();
  size_t next = stream.size();
  EventLog log = told(finished(stream).eof());
  CHECK(damage(log).ends_with(resumed_at(next)));
}

TEST_CASE("every item to go on at") {
  auto found = [](auto append) {
    auto stream = small_machine().part(2).word(0, 0).fill(99, 0x7e).footer();
    size_t next = stream.size();
    append(stream);
    return damage(told(stream)).ends_with(resumed_at(next));
  };
  CHECK(found([](auto& b) { b.eof(); }));
  CHECK(found([](auto& b) { b.eof().description("{}"); }));
  CHECK(found([](auto& b) { b.device(4, "timer", 3).eof(); }));
  CHECK(found([](auto& b) { b.start(9, "block").be64(2).footer().eof(); }));
  CHECK(found([](auto& b) { b.part(2).eos().footer().eof(); }));
  CHECK(found([](auto& b) { b.end(2).flush().eos().footer().eof(); }));
  CHECK(found([](auto& b) {
    b.part(2).page("pc.ram", 0, 1).zero(0x400).eos().footer().eof();
  }));
  CHECK(found([](auto& b) { b.command(Command::switchover_start).eof(); }));
}

TEST_CASE("where nothing follows, the error stands") {
  auto stream = small_machine().part(2).word(0, 0).fill(5000, 0x7e);
  Outcome out = decode(stream.done());
  CHECK(out.error.starts_with("malformed at 0xb5: in PART of section 2 "));
  CHECK(out.position == 0xb5);
  CHECK(log_of(out).count("damage") == 0);
  CHECK(decode_by_bytes(stream.done()).error == out.error);
}

TEST_CASE("a broken footer costs nothing but itself") {
  auto broken = [](uint8_t type, uint32_t id) {
    auto stream = small_machine().part(2).zero("pc.ram", 0).eos();
    stream.u8(type).be32(id).part(2).zero(0x400).eos().footer();
    return told(finished(stream).eof());
  };
  for (EventLog log : {broken(0x7f, 2), broken(0x7e, 3), broken(0, 0)}) {
    CHECK(damage(log).ends_with(resumed_at(0xd2)));
    CHECK(log.count("zero page 0x400 of 0") == 1); // its block is still known
    CHECK(log.count("problem") == 0);
  }
  // The very first footer, which tells that there are footers.
  StreamBuilder first(kSmallPage);
  first.header().start(2, "ram").mem_size(0).eos().u8(0x04).be32(2);
  CHECK(damage(told(finished(first).eof())).find("0x04 after the body") !=
        std::string::npos);
}

TEST_CASE("a device whose footer is broken, with and without description") {
  auto stream = small_machine().end(2).eos().footer();
  size_t device = stream.size();
  stream.full(4, "timer").fill(9, 1).u8(0x7f).be32(4);
  size_t rtc = stream.size();
  stream.device(5, "rtc", 7).device(6, "last", 1).eof();
  captures::Description described;
  described.devices = {{"timer", 0, 9}, {"rtc", 0, 7}, {"last", 0, 1}};
  EventLog log = told(stream, {.description = described});
  CHECK(damage(log).ends_with(resumed_at(rtc)));
  CHECK(log.count("body 4 9 bytes") == 1);
  CHECK(log.count("body 5 7 bytes") == 1);
  CHECK(log.count("problem") == 0);
  // Without, the next section's footer is the first thing that is certain.
  log = told(stream);
  CHECK(damage(log).find(fmt::format("in FULL of section 4 (\"timer\") from "
                                     "{:#x}: the body is not followed by a "
                                     "footer of its section; the next one, at",
                                     device)) != std::string::npos);
  CHECK(log.count("body 4") + log.count("body 5") == 0);
  CHECK(log.count("body 6 1 bytes") == 1);
}

TEST_CASE("a section's head that cannot be is left out with its body") {
  for (int at : {5, 7, 15}) { // length and text of the name, version
    CAPTURE(at);
    auto stream = small_machine();
    size_t head = stream.size();
    stream.full(4, "timer").fill(9, 0).footer().device(5, "rtc", 7).eof();
    stream.corrupt(head + at, 0x1e);
    EventLog log = told(stream);
    CHECK(damage(log).find(": section 4 with the name ") != std::string::npos);
    CHECK(log.count("full 5 rtc") == 1);
  }
}

TEST_CASE("a device with another id than its footer has") {
  auto stream = small_machine().full(0x44, "timer").fill(9, 1).footer(4);
  size_t rtc = stream.size();
  stream.device(5, "rtc", 7).eof();
  EventLog log = told(stream);
  CHECK(damage(log).ends_with(resumed_at(rtc)));
  CHECK(log.count("body 5 7 bytes") == 1);
}

TEST_CASE("after damage, CONTINUE means a block only where no other can be") {
  auto broken = [] {
    auto stream = small_machine().part(2).zero("vga.vram", 0).word(0, 0);
    stream.eos().footer();
    return stream;
  };
  // Pages below 0x1000 may be of either block.
  auto stream = broken().part(2).page(0x400, 1).zero(0x800).zero("vga.vram", 0);
  stream.zero(0xc00).eos().footer();
  EventLog log = told(finished(stream).eof());
  CHECK(log.count("zero page 0xc00 of 1") == 1);
  CHECK(log.count("normal page") == 0);
  CHECK(log.count("zero page 0x800") == 0);
  CHECK(log.lines_of("problem").at(0).ends_with(
      "2 pages cannot be told apart from other blocks' after the damage "
      "before; they are left out"));
  CHECK(log.count("problem") == 1);
  // It is told of a section that is cut off, too.
  stream = broken().part(2).page(0x400, 1).zero(0x800);
  log = log_of(decode(stream.done()));
  CHECK(log.lines.back().find(" 2 pages cannot be told") != std::string::npos);
  // One above it is of pc.ram, and so are those that lean on it.
  stream = broken().part(2).zero(0x800).page(0x1000, 1).zero(0x400).eos();
  stream.footer();
  log = told(finished(stream).eof());
  CHECK(log.count("normal page 0x1000 of 0") == 1);
  CHECK(log.count("zero page 0x400 of 0") == 1);
  CHECK(log.count("zero page 0x800") == 0);
}

TEST_CASE("a broken block list: pages of the blocks before that are told") {
  StreamBuilder stream(kSmallPage);
  stream.header().configuration("pc").config_page_bits(10).start(2, "ram");
  stream.mem_size(0x6000).block("pc.ram", 0x4000).block("pc.ram", 0x1000);
  stream.block("pc.bios", 0x1000).eos().footer();
  for (int i = 0; i < 3; ++i)
    stream.part(2)
        .page("pc.ram", 0x400, 1)
        .zero("pc.bios", 0)
        .zero(0x400)
        .eos()
        .footer();
  stream.part(2).zero("pc.ram", 0x4000).eos().footer(); // an entry may be wrong
  EventLog log = told(finished(stream).eof());
  CHECK(damage(log).find("RAM block list: a second block \"pc.ram\"") !=
        std::string::npos);
  CHECK(log.count("block pc.ram") == 1);
  CHECK(log.count("normal page 0x400 of 0") == 3);
  CHECK(log.count("zero page") == 0);
  auto problems = log.lines_of("problem");
  REQUIRE(problems.size() == 5);
  CHECK(problems[0].ends_with("the RAM block list is broken after 1 blocks; "
                              "pages of others are left out"));
  CHECK(problems[1].find(" 2 pages cannot be told") != std::string::npos);
}

TEST_CASE("a broken command whose end is known costs nothing else") {
  auto bad = StreamBuilder().u8(7).fill(3, 0).done();
  auto stream = small_machine().part(2).zero("pc.ram", 0).eos().footer();
  stream.command(Command::postcopy_discard, bad);
  size_t next = stream.size();
  stream.part(2).zero(0x400).eos().footer();
  EventLog log = told(finished(stream).eof());
  CHECK(damage(log).ends_with(resumed_at(next)));
  CHECK(log.count("zero page 0x400 of 0") == 1);
}

TEST_CASE("damage in a package ends with it, or goes on inside") {
  auto with = [](const StreamBuilder& inner) {
    auto stream = small_machine().package(inner);
    stream.part(2).zero("pc.ram", 0).eos().footer().end(2).eos().footer();
    return stream.eof();
  };
  StreamBuilder inside;
  inside.u8(0x55).device(4, "timer", 9).device(5, "rtc", 7);
  EventLog log = told(with(inside));
  CHECK(damage(log).starts_with("damage malformed at 0xb9: section type 0x55"));
  CHECK(log.count("body 5 7 bytes") == 1);
  CHECK(log.count("package_end") == 1);

  StreamBuilder to_end;
  to_end.device(4, "timer", 9).full(5, "rtc").fill(50, 0x7e);
  log = told(with(to_end));
  size_t end = 0xb9 + to_end.size();
  CHECK(damage(log).ends_with(resumed_at(end)));
  CHECK(log.count(fmt::format("package_end at {:#x}", end)) == 1);
  CHECK(log.count("zero page 0x0 of 0") == 1);

  // The length is wrong: sense is found behind the end.
  auto beyond = with(to_end);
  beyond.corrupt(0xb8, static_cast<uint8_t>(to_end.size() - 3));
  log = told(beyond);
  CHECK(log.count("package_end") == 0);
  CHECK(damage(log).ends_with(resumed_at(beyond.size() - 1 - 18)));
}

TEST_CASE("a type byte that reads as the end of the stream") {
  auto stream = small_machine();
  size_t bad = stream.size();
  finished(stream).eof().description("{}");
  stream.corrupt(bad, 0x00);
  EventLog log = told(stream);
  CHECK(damage(log).starts_with(
      fmt::format("damage malformed at {:#x}: 0x00 after the end-of-stream "
                  "byte, expected the description or the end",
                  bad + 1)));
  CHECK(log.count("eof") == 2);
  CHECK(log.count("body 5 7 bytes") == 1);
  // What is no section is left out, as ever.
  Outcome out = decode(small_machine().eof().fill(300, 0x7e).done());
  CHECK(out.error == "");
  CHECK(out.lines.back() == "problem at 0xb1: bytes after the end of the "
                            "stream; they are left out");
  // What begins like a second stream is not judged before it is there.
  auto nearly = small_machine().eof().u8('Q').footer(2).eof().done();
  CHECK(decode_by_bytes(nearly).lines == decode(nearly).lines);
}

TEST_CASE("a second stream is named, and not read as part of the first") {
  auto inside = small_machine().bytes(small_machine().done());
  Outcome out = decode(inside.done());
  CHECK(out.error == "unsupported at 0xb0: a second stream starts here "
                     "(\"QEVM\"); the one before has no end-of-stream byte");
  CHECK(decode_by_bytes(inside.done()).error == out.error);
  auto whole = small_machine().eof();
  for (const StreamBuilder& first :
       {whole, small_machine().eof().description("{}")}) {
    auto both = first;
    both.bytes(small_machine().done());
    out = decode(both.done());
    CHECK(out.error == "");
    CHECK(out.lines.back() ==
          fmt::format("problem at {:#x}: a second stream starts here "
                      "(\"QEVM\"); it is left out",
                      first.size()));
    CHECK(decode_by_bytes(both.done()).lines == out.lines);
  }
}

TEST_CASE("errors that stay final") {
  auto ends = [](const StreamBuilder& stream) {
    Outcome out = decode(stream.done());
    CHECK(log_of(out).count("damage") == 0);
    return out.error != "";
  };
  auto rest = [](StreamBuilder& b) -> StreamBuilder& {
    return b.footer(2).device(4, "timer", 9).eof();
  };
  auto hook = small_machine().part(2).word(0, wire::kRamHook);
  CHECK(ends(rest(hook)));
  auto colo = small_machine().command(Command::enable_colo).u8(0x55);
  CHECK(ends(rest(colo)));
  auto version = small_machine().start(3, "ram", 5);
  CHECK(ends(rest(version)));
  StreamBuilder bare;
  bare.header().start(1, "ram").mem_size(0).eos().end(1).eos().u8(0x55);
  CHECK(ends(rest(bare)));
}

TEST_CASE("damage without end is not followed for ever") {
  auto stream = small_machine();
  for (size_t i = 0; i <= captures::limits::kMaxDamages; ++i)
    stream.part(2).zero("pc.ram", 0).zero(0x400).word(0, 0).footer();
  Outcome out = decode(finished(stream).eof().done());
  CHECK(log_of(out).count("damage") == captures::limits::kMaxDamages);
  CHECK(out.error.starts_with("malformed at "));
}

// The worst that was found: devices without a footer of their own, each
// followed by bytes that all could begin one.
TEST_CASE("looking for sense takes time that grows with the input") {
  auto stream = small_machine();
  for (int i = 0; i < 100; ++i)
    stream.full(100 + i, "x").footer(2);
  stream.full(99, "x").fill(captures::limits::kMaxStrayBytes, 0x7e);
  auto start = std::chrono::steady_clock::now();
  Outcome out = decode(stream.done());
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  CHECK(log_of(out).count("damage") == 100);
  CHECK(time.count() < 20);
}

TEST_CASE("more devices than a stream may have are refused") {
  StreamBuilder stream;
  stream.header();
  for (size_t i = 0; i < captures::limits::kMaxSections; ++i)
    stream.device(static_cast<uint32_t>(i), "d", 1);
  auto told = [](const StreamBuilder& devices) {
    Outcome out = decode(devices.done());
    return std::ranges::any_of(out.lines, [](const std::string& line) {
      return line.find("more than 65536 sections of devices") != line.npos;
    });
  };
  CHECK_FALSE(told(StreamBuilder(stream).eof()));
  CHECK(told(stream.device(1, "d", 1).eof()));
}
