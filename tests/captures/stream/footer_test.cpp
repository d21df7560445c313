// Where sections end: footers, what looks like one, and sizes described.
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/sample_streams.h"

#include "captures/stream/limits.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::test;
using captures::DecoderOptions;
using captures::Description;
using captures::wire::Command;

namespace {

// A device section (id 9) with the body that `body` appends, followed by what
// `next` appends. Yields the line of its end.
template <typename Body, typename Next>
std::string end_of(Body body, Next next, DecoderOptions options = {}) {
  auto stream = small_machine().full(9, "thing");
  size_t start = stream.size();
  body(stream);
  size_t bytes = stream.size() - start;
  stream.footer(9);
  next(stream);
  Outcome out = decode(stream.done(), std::move(options));
  CHECK(decode_by_bytes(stream.done(), options).lines.size() > 0);
  auto end = std::ranges::find_if(out.lines, [](const std::string& line) {
    return line.starts_with("section_end 9");
  });
  if (end == out.lines.end())
    return out.error;
  bool right = end->find(fmt::format(" body {} ", bytes)) != end->npos;
  return right ? "found" : *end;
}

auto finished = [](StreamBuilder& b) { b.eof(); };

Description described(uint64_t bytes) {
  return {{}, {{"other", 0, 1}, {"thing", 0, bytes}}};
}

} // namespace

TEST_CASE("a footer inside a body counts only before a plausible item") {
  auto found = [](auto body) { return end_of(body, finished) == "found"; };
  CHECK(found([](auto&) {}));
  CHECK(found([](auto& b) { b.fill(100, 0x7e); }));
  CHECK(found([](auto& b) { b.footer(9).u8(0x55); }));
  CHECK(found([](auto& b) { b.footer(8).u8(0x04); })); // another's footer
  CHECK(found([](auto& b) { b.footer(9).footer(9); }));
  // Headers that cannot be: no name, a name with a blank, a huge version.
  CHECK(found([](auto& b) { b.footer(9).full(1, ""); }));
  CHECK(found([](auto& b) { b.footer(9).full(1, "a b", 1); }));
  CHECK(found([](auto& b) { b.footer(9).full(1, "a", 1u << 16); }));
  CHECK(found([](auto& b) { b.footer(9).part(77).fill(20, 0); }));
  CHECK(found([](auto& b) { b.footer(9).u8(8).be16(12).be16(0); }));
  CHECK(found([](auto& b) { b.footer(9).u8(8).be16(2).be16(3).be32(0); }));
  CHECK(found([](auto& b) { b.footer(9).eof().u8(0x11); }));
  CHECK(found([](auto& b) { b.footer(9).eof().u8(6).be32(2).text("[]"); }));
  CHECK(found([](auto& b) { b.u8(0x05).counted("other/sub").be32(1); }));
}

TEST_CASE("every item that can follow a section is accepted after a footer") {
  auto found = [](auto next) {
    return end_of([](auto& b) { b.fill(3, 0x7e); }, next) == "found";
  };
  CHECK(found([](auto& b) { b.eof(); }));
  CHECK(found([](auto& b) { b.eof().description("{}"); }));
  CHECK(found([](auto& b) { b.device(1, "x", 1).eof(); }));
  CHECK(
      found([](auto& b) { b.start(1, "dirty-bitmap").u8(1).footer().eof(); }));
  CHECK(found([](auto& b) { b.part(2).eos().footer().eof(); }));
  CHECK(found([](auto& b) { b.end(2).eos().footer().eof(); }));
  CHECK(found([](auto& b) { b.command(Command::switchover_start).eof(); }));
}

TEST_CASE("a described size is confirmed by the footer") {
  // Nothing but the size tells these footers from the real one.
  auto body = [](auto& b) { b.footer(9).device(8, "inner", 2).fill(4, 0); };
  CHECK(end_of(body, finished) != "found");
  CHECK(end_of(body, finished, {.description = described(5 + 26 + 4)}) ==
        "found");
}

TEST_CASE("a described size that is wrong is a problem, and the scan's turn") {
  auto stream = small_machine().full(9, "thing").fill(30, 0x11).footer().eof();
  for (uint64_t wrong : {uint64_t{0}, uint64_t{29}, uint64_t{31}}) {
    CAPTURE(wrong);
    DecoderOptions options{.description = described(wrong)};
    Outcome out = decode(stream.done(), options);
    CHECK(out.error == "");
    EventLog log;
    log.lines = out.lines;
    CHECK(log.count("problem at 0xb0: the description says ") == 1);
    CHECK(log.lines_of("section_end 9").at(0).ends_with("body 30 footer_scan"));
    CHECK(decode_by_bytes(stream.done(), options).lines == out.lines);
  }
  Outcome cut = decode(stream.done(), {.description = described(4000)});
  CHECK(cut.error.starts_with("truncated at "));
  EventLog log;
  log.lines = decode(stream.done(), {.description = Description{}}).lines;
  CHECK(log.count("problem at 0xb0: section 9 (\"thing\") is not in the "
                  "description") == 1);
  log.lines =
      decode(stream.done(), {.description = described(1ull << 40)}).lines;
  CHECK(log.count("problem at 0xb0: section 9 (\"thing\"): the description "
                  "says 1099511627776 bytes") == 1);
}

TEST_CASE("where footers are, a described end without one is none") {
  auto body = [](auto& b) { b.fill(10, 0x11).device(8, "inner", 2); };
  CHECK(end_of(body, finished, {.description = described(10)}) == "found");
}

TEST_CASE("footers are all there or all absent") {
  auto head = [] {
    return StreamBuilder().header().start(1, "ram").mem_size(0).eos();
  };
  CHECK(decode(head().end(1).eos().eof().done()).broken() == "");
  CHECK(decode(head().footer().end(1).eos().eof().done()).broken() ==
        "malformed at 0x3b: 0x00 after the body, expected "
        "the footer (0x7e)");
  CHECK(decode(head().end(1).eos().footer().eof().done()).broken() ==
        "malformed at 0x36: section type 0x7e, expected EOF (0x00), START "
        "(0x01), PART (0x02), END (0x03), FULL (0x04) or COMMAND (0x08)");
  CHECK(decode(head().footer(3).eof().done()).broken() ==
        "malformed at 0x29: a footer of section 3");
  CHECK(decode(head().u8(0x66).done()).broken() ==
        "malformed at 0x29: 0x66 after the body, expected "
        "the footer (0x7e)");
}

TEST_CASE("without footers only described devices can be told apart") {
  auto stream = StreamBuilder()
                    .header()
                    .start(1, "ram")
                    .mem_size(0)
                    .eos()
                    .full(9, "thing")
                    .fill(30, 0x11)
                    .full(8, "other")
                    .u8(0)
                    .eof();
  CHECK(decode(stream.done(), {.description = described(30)}).error == "");
  CHECK(decode(stream.done()).broken() ==
        "unsupported at 0x3c: the body's size is told neither by a footer, as "
        "this stream has none, nor by a description");
  CHECK(decode(stream.done(), {.description = described(29)})
            .error.starts_with("unsupported at 0x3c: "));
  auto unknown = StreamBuilder().header().start(1, "ram").mem_size(0).eos();
  unknown.start(2, "new").fill(9, 0x11);
  CHECK(decode(unknown.done()).error.starts_with("unsupported at 0x29: "));
}

TEST_CASE("a body without end is not buffered for ever") {
  auto stream = small_machine().full(9, "thing");
  std::vector<std::byte> filler(1u << 20, std::byte{0x7e});
  EventLog log;
  captures::StreamDecoder decoder(log);
  REQUIRE(decoder.feed(stream.done()));
  Status status;
  for (int mib = 0; mib < 66 && status; ++mib)
    status = decoder.feed(filler);
  REQUIRE(status);
  status = decoder.finish();
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == ErrorKind::malformed);
  CHECK(describe(status.error()) ==
        "at 0xc3: in FULL of section 9 (\"thing\") from 0xb0: no footer within "
        "67108864 bytes of the section's body");
  CHECK(decoder.position() == 0xc3);
}

TEST_CASE("a device body is handed over whole") {
  auto stream = small_machine().full(9, "thing").text("state").footer().eof();
  struct : captures::StreamEvents {
    void on_device_body(const captures::SectionHeader&,
                        std::span<const std::byte> bytes) override {
      body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::string body;
  } seen;
  captures::StreamDecoder decoder(seen);
  for (std::byte b : stream.done())
    REQUIRE(decoder.feed({&b, 1}));
  REQUIRE(decoder.finish());
  CHECK(seen.body == "state");
}
