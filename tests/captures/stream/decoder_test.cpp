// What a stream tells, and that it does not depend on how it is cut.
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/sample_streams.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/ranges.h>

using namespace migscope;
using namespace migscope::test;
using captures::wire::Command;

namespace {

void check_same(const Outcome& a, const Outcome& b) {
  CHECK(a.error == b.error);
  CHECK(a.position == b.position);
  CHECK(a.lines == b.lines);
}

bool is_prefix(const std::vector<std::string>& part,
               const std::vector<std::string>& whole) {
  return part.size() <= whole.size() &&
         std::equal(part.begin(), part.end(), whole.begin());
}

bool has_line(const Outcome& out, std::string_view line) {
  return std::ranges::find(out.lines, line) != out.lines.end();
}

} // namespace

TEST_CASE("a small precopy stream is told in full, in order") {
  auto stream = small_machine()
                    .part(2)
                    .page("pc.ram", 0x400, 0xaa)
                    .zero(0x800)
                    .eos()
                    .footer()
                    .end(2)
                    .zero(0xc00)
                    .eos()
                    .footer()
                    .device(4, "timer", 3)
                    .eof()
                    .description("{}");
  Outcome out = decode(stream.done());
  CHECK(out.error == "");
  CHECK(out.position == stream.size());
  CHECK(fmt::format("{}\n", fmt::join(out.lines, "\n")) ==
        R"(header 3
configuration pc-i440fx-7.2 bits 0xa capabilities [] uuid 12000000-0000-0000-0000-000000000000
start 2 ram instance 0 version 4 at 0x6a
block pc.ram 0x4000 page_size - mr_addr -
block vga.vram 0x1000 page_size - mr_addr -
section_end 2 at 0xb0 body 48 parsed
part 2 ram instance 0 version 4 at 0xb0
normal page 0x400 of 0 at 0xb5, 1039 wire bytes, 1024 content 4ccf5d6790170325
zero page 0x800 of 0 at 0x4c4, 9 wire bytes, 0 content cbf29ce484222325
section_end 2 at 0x4da body 1056 parsed
end 2 ram instance 0 version 4 at 0x4da
zero page 0xc00 of 0 at 0x4df, 9 wire bytes, 0 content cbf29ce484222325
section_end 2 at 0x4f5 body 17 parsed
full 4 timer instance 0 version 1 at 0x4f5
body 4 3 bytes 5b083c18b57baf72
section_end 4 at 0x510 body 3 footer_scan
eof at 0x510
description at 0x516, 2 bytes 8f44b07b5901a25
)");
}

TEST_CASE("sample streams are sound, and every cut of them tells the same") {
  for (const SampleStream& sample : sample_streams()) {
    CAPTURE(sample.name);
    Outcome whole = decode(sample.bytes, sample.options);
    CHECK(whole.error == "");
    CHECK(whole.position == sample.bytes.size());
    check_same(decode_by_bytes(sample.bytes, sample.options), whole);
    for (size_t cut = 1; cut < sample.bytes.size(); ++cut)
      check_same(decode(sample.bytes, sample.options, {cut}), whole);
    for (size_t step : {2, 3, 7, 9, 300, 1031}) {
      std::vector<size_t> cuts;
      for (size_t at = step; at < sample.bytes.size(); at += step)
        cuts.push_back(at);
      check_same(decode(sample.bytes, sample.options, cuts), whole);
    }
  }
}

TEST_CASE("every prefix is truncated, and tells what the whole begins with") {
  for (const SampleStream& sample : sample_streams()) {
    CAPTURE(sample.name);
    Outcome whole = decode(sample.bytes, sample.options);
    for (size_t size = 0; size < sample.bytes.size(); ++size) {
      CAPTURE(size);
      Outcome part =
          decode(std::span(sample.bytes).first(size), sample.options);
      CHECK(is_prefix(part.lines, whole.lines));
      CHECK(part.position <= size);
      bool at_eof = !part.lines.empty() &&
                    part.lines.back().starts_with("eof") &&
                    part.position == size;
      if (at_eof) // without a description, a stream ends here
        CHECK(part.error == "");
      else
        CHECK(part.error.starts_with("truncated at "));
    }
  }
}

// Under the address sanitizer this is the test that no byte is trusted.
TEST_CASE("every change of one byte ends soundly, whatever the cut") {
  for (const SampleStream& sample : sample_streams()) {
    CAPTURE(sample.name);
    auto bytes = sample.bytes;
    for (size_t at = 0; at < bytes.size(); ++at) {
      CAPTURE(at);
      std::byte good = bytes[at];
      for (unsigned change : {0x01u, 0x20u, 0x80u, 0xffu}) {
        bytes[at] = good ^ static_cast<std::byte>(change);
        Outcome out = decode(bytes, sample.options);
        CHECK(out.position <= bytes.size());
        if (at % 5 == 0)
          check_same(
              decode(bytes, sample.options, {at, (at + bytes.size()) / 2}),
              out);
      }
      bytes[at] = good;
    }
  }
}

TEST_CASE("what nothing follows is an error, which is final and comes back") {
  EventLog log;
  captures::StreamDecoder decoder(log);
  auto bad = small_machine().u8(0x55);
  CHECK(decoder.feed(bad.done()));
  Status first = decoder.finish();
  REQUIRE_FALSE(first);
  CHECK(first.error().kind == ErrorKind::malformed);
  CHECK(first.error().offset == bad.size() - 1);
  CHECK(describe(first.error()) ==
        "at 0xb0: section type 0x55, expected EOF (0x00), START (0x01), PART "
        "(0x02), END (0x03), FULL (0x04) or COMMAND (0x08)");
  size_t told = log.lines.size();
  CHECK(describe(decoder.feed(small_machine().done()).error()) ==
        describe(first.error()));
  CHECK(describe(decoder.finish().error()) == describe(first.error()));
  CHECK(log.lines.size() == told);
  CHECK(decoder.position() == bad.size() - 1);
}

TEST_CASE("a cut stream says in what it stopped") {
  auto cut = [](const StreamBuilder& stream) {
    return decode(stream.done()).error;
  };
  CHECK(cut(StreamBuilder()) ==
        "truncated at 0x0: the stream ends early: in the file header");
  CHECK(
      cut(StreamBuilder().header().configuration("pc").cut(10)) ==
      "truncated at 0xa: the stream ends early: in the configuration section");
  CHECK(cut(small_machine()) ==
        "truncated at 0xb0: the stream ends early: between sections, before "
        "the end-of-stream byte");
  CHECK(cut(small_machine().part(2).zero("pc.ram", 0)) ==
        "truncated at 0xc5: the stream ends early: before the EOS word, in "
        "PART of section 2 (\"ram\") from 0xb0");
  CHECK(cut(small_machine().part(2).page("pc.ram", 0x400, 1).cut(0xc4 + 10)) ==
        "truncated at 0xce: the stream ends early: in page 0x400 of block "
        "\"pc.ram\" (10 of 1024 bytes), in PART of section 2 (\"ram\") from "
        "0xb0");
  CHECK(cut(small_machine().full(9, "e1000").fill(77, 0)) ==
        "truncated at 0x110: the stream ends early: in the body of FULL of "
        "section 9 (\"e1000\") from 0xb0 (77 bytes of it are there)");
  CHECK(cut(small_machine().end(2).eos().u8(0x7e)) ==
        "truncated at 0xbe: the stream ends early: in the footer of END of "
        "section 2 (\"ram\") from 0xb0");
  CHECK(cut(small_machine().eof().description("{}").cut(0xb5)) ==
        "truncated at 0xb5: the stream ends early: in the description");
  CHECK(cut(small_machine().command(Command::ping).cut(0xb2)) ==
        "truncated at 0xb2: the stream ends early: in a command");
}

TEST_CASE("another kind of file is named") {
  CHECK(decode(StreamBuilder().be32(0x28b52ffd).be32(0).done()).error ==
        "malformed at 0x0: starts with 0x28b52ffd (zstd-compressed data), "
        "expected 0x5145564d (\"QEVM\") of a migration's main channel");
  CHECK(decode(StreamBuilder().header(2).done()).error ==
        "unsupported at 0x4: stream version 2 (obsolete; no QEMU from 7.2 on "
        "reads it), expected 3");
  CHECK(decode(StreamBuilder().header(4).done()).error ==
        "unsupported at 0x4: stream version 4, expected 3");
  CHECK(decode(StreamBuilder().text("MVEQ").be32(0x03000000).done()).error ==
        "malformed at 0x0: starts with \"MVEQ\": a main channel's \"QEVM\" "
        "with its bytes in reverse order");
}

TEST_CASE("bytes after the end are one problem, not an error") {
  auto stream = small_machine().eof().description("{}").fill(300, 0x7e);
  Outcome out = decode(stream.done());
  CHECK(out.error == "");
  CHECK(out.position == stream.size() - 300);
  CHECK(out.lines.back() == "problem at 0xb8: bytes after the end of the "
                            "stream; they are left out");
  check_same(decode_by_bytes(stream.done()), out);
}

TEST_CASE("a stream without configuration") {
  Outcome out = decode(StreamBuilder()
                           .header()
                           .start(0, "ram")
                           .mem_size(0)
                           .eos()
                           .footer()
                           .eof()
                           .done());
  CHECK(out.error == "");
  CHECK(out.lines.size() == 4);
}

TEST_CASE("configuration: capabilities, and what cannot be one") {
  auto start = [] { return StreamBuilder().header().configuration("pc"); };
  auto rest = [](StreamBuilder builder) {
    return decode(builder.eof().done());
  };
  CHECK(has_line(
      rest(start().config_capabilities({"x-ignore-shared", "mapped-ram"})),
      "configuration pc bits - capabilities "
      "[\"x-ignore-shared\", \"mapped-ram\"] uuid -"));
  CHECK(rest(start().config_page_bits(40)).error ==
        "malformed at 0x33: configuration: target page bits 40, expected 8 to "
        "16");
  CHECK(rest(start().config_page_bits(17)).error != "");
  CHECK(rest(start().config_page_bits(7)).error != "");
  CHECK(rest(start().subsection("configuration/new\n")).error ==
        "unsupported at 0x10: configuration: subsection "
        "\"configuration/new\\x0a\" is not known, or stands here twice");
  CHECK(rest(start().subsection("configuration/uuid", 2)).error ==
        "unsupported at 0x10: configuration: subsection \"configuration/uuid\" "
        "has version 2, expected 1");
  CHECK(rest(start().subsection("configuration/capabilities").be32(9999))
            .error.starts_with("malformed at "));
  CHECK(decode(StreamBuilder().header().u8(7).be32(1u << 31).done()).error ==
        "malformed at 0x9: configuration: a machine name of 2147483648 bytes, "
        "expected 1 to 256");
}

TEST_CASE("page size: what the stream says goes before what the caller says") {
  auto size_of = [](const StreamBuilder& stream,
                    captures::DecoderOptions options) {
    EventLog log;
    captures::StreamDecoder decoder(log, std::move(options));
    REQUIRE(decoder.feed(stream.done()));
    return decoder.page_size();
  };
  auto plain = StreamBuilder().header().configuration("virt").eof();
  auto bits =
      StreamBuilder().header().configuration("virt").config_page_bits(14);
  auto advice = StreamBuilder().be64(0x200000).be64(16384).done();
  auto advised =
      StreamBuilder().header().command(Command::postcopy_advise, advice);
  captures::Description described{8192, {}};
  CHECK(size_of(plain, {}) == 4096);
  CHECK(size_of(plain, {.page_size = 65536}) == 65536);
  CHECK(size_of(plain, {.description = described}) == 8192);
  CHECK(size_of(bits.eof(), {.description = described}) == 16384);
  CHECK(size_of(advised, {.description = described}) == 16384);
  EventLog log;
  captures::StreamDecoder odd(log, {.page_size = 4095});
  CHECK(odd.feed(plain.done()).error().kind == ErrorKind::usage);
}
