// Postcopy-preempt channels, page by page.
#include "tests/captures/stream/event_log.h"
#include "tests/support/stream_builder.h"

#include "captures/stream/preempt_channel.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

ConnectionState two_blocks() {
  ConnectionState out;
  out.blocks = {{"pc.ram", 0x10000}, {"pc.bios", 0x4000}};
  return out;
}

struct Told {
  std::vector<std::string> lines;
  std::string error;
  uint64_t position = 0;
  bool operator==(const Told&) const = default;
};

Told decode_pieces(std::span<const std::byte> bytes, size_t size,
                   const ConnectionState& main = two_blocks()) {
  EventLog log;
  PreemptDecoder decoder(log, main);
  Status status;
  for (size_t at = 0; at < bytes.size() && status; at += size) {
    auto part = bytes.subspan(at, std::min(size, bytes.size() - at));
    status = decoder.feed(std::vector<std::byte>(part.begin(), part.end()));
  }
  if (status)
    status = decoder.finish();
  return {log.lines, status ? "" : describe(status.error()),
          decoder.position()};
}

Told decode_all_ways(const StreamBuilder& stream) {
  Told whole = decode_pieces(stream.done(), stream.size() + 1);
  for (size_t size : {1, 7, 100, 4096, 4105})
    CHECK(decode_pieces(stream.done(), size) == whole);
  return whole;
}

} // namespace

TEST_CASE("preempt: pages with a block memory of their own") {
  auto stream = StreamBuilder()
                    .page("pc.ram", 0x3000, 7)
                    .page(0x1000, 8)
                    .zero("pc.bios", 0x2000)
                    .zero(0x3000);
  auto out = decode_all_ways(stream);
  CHECK(out.error == "");
  CHECK(out.position == stream.size());
  REQUIRE(out.lines.size() == 4);
  CHECK(out.lines[0].starts_with("normal page 0x3000 of 0 at 0x0, 4111 wire"));
  CHECK(out.lines[1].starts_with("normal page 0x1000 of 0 at 0x100f, 4104"));
  CHECK(out.lines[2].starts_with("zero page 0x2000 of 1"));
  CHECK(out.lines[3].starts_with("zero page 0x3000 of 1"));
}

TEST_CASE("preempt: ends with EOS or between pages") {
  auto open = StreamBuilder().page("pc.ram", 0, 7);
  CHECK(decode_all_ways(open).error == "");
  CHECK(decode_all_ways(StreamBuilder()).error == "");
  CHECK(decode_all_ways(StreamBuilder().eos()).error == "");
  auto closed = open;
  closed.eos();
  auto out = decode_all_ways(closed);
  CHECK(out.error == "");
  CHECK(out.position == closed.size());
  closed.u8(0);
  CHECK(decode_all_ways(closed).error ==
        "at 0x1017: bytes after the EOS word of a preempt channel, expected "
        "none");
}

TEST_CASE("preempt: cut inside a page") {
  auto stream = StreamBuilder().page("pc.ram", 0, 7).page(0x2000, 8);
  for (size_t size = 0; size <= stream.size(); ++size) {
    auto cut = stream;
    auto out = decode_pieces(cut.cut(size).done(), 1000);
    size_t pages = size == stream.size() ? 2 : size >= 0x100f ? 1 : 0;
    CHECK(out.lines.size() == pages);
    CHECK(out.error.empty() == (size == 0 || size == 0x100f || pages == 2));
  }
  auto cut = stream;
  CHECK(decode_all_ways(cut.cut(0x1030)).error ==
        "at 0x1030: the preempt channel ends early: in page 0x2000 of block "
        "\"pc.ram\" (25 of 4096 bytes)");
}

TEST_CASE("preempt: whatever is neither a page nor EOS is an error") {
  struct Case {
    uint64_t flags;
    const char* message;
  };
  for (const Case& bad :
       {Case{wire::kRamXbzrle, "expected ZERO, PAGE or EOS"},
        Case{wire::kRamCompress, "expected ZERO, PAGE or EOS"},
        Case{wire::kRamMultifdFlush, "expected ZERO, PAGE or EOS"},
        Case{wire::kRamMemSize, "expected ZERO, PAGE or EOS"},
        Case{wire::kRamHook, "expected ZERO, PAGE or EOS"},
        Case{0, "expected one of"},
        Case{wire::kRamPage | wire::kRamZero, "expected one of"}}) {
    CAPTURE(bad.flags);
    auto stream = StreamBuilder()
                      .page("pc.ram", 0, 7)
                      .word(0, bad.flags | wire::kRamContinue)
                      .fill(5000, 0);
    auto out = decode_all_ways(stream);
    CHECK(out.lines.size() == 1);
    CHECK(out.position == 0x100f);
    CHECK(out.error.starts_with("at 0x100f: "));
    CHECK(out.error.find(bad.message) != std::string::npos);
  }
}

TEST_CASE("preempt: blocks are those of the main channel") {
  CHECK(decode_all_ways(StreamBuilder().page("other", 0, 7))
            .error.find("not in the block list (2 blocks)") !=
        std::string::npos);
  CHECK(decode_all_ways(StreamBuilder().page("pc.bios", 0x4000, 7))
            .error.find("below the block's 0x4000 bytes") != std::string::npos);
  CHECK(decode_all_ways(StreamBuilder().page(0, 7)).error.find("CONTINUE") !=
        std::string::npos);
  ConnectionState twice = two_blocks();
  twice.blocks.push_back(twice.blocks[0]);
  auto out =
      decode_pieces(StreamBuilder().page("pc.ram", 0, 7).done(), 100, twice);
  CHECK(out.lines.empty());
  CHECK(out.error.find("a second block") != std::string::npos);
}

TEST_CASE("preempt: pages of the size that the main channel has") {
  ConnectionState main = two_blocks();
  main.page_size = 16384;
  auto stream = StreamBuilder(16384).page("pc.ram", 0x4000, 7);
  auto out = decode_pieces(stream.done(), stream.size(), main);
  CHECK(out.error == "");
  REQUIRE(out.lines.size() == 1);
  CHECK(out.lines[0].find("16384 content") != std::string::npos);
}

TEST_CASE("preempt: any byte changed is sound") {
  auto stream = StreamBuilder().page("pc.ram", 0, 7).zero(0x1000).eos();
  for (size_t at = 0; at < stream.size(); at += at < 20 || at > 4100 ? 1 : 97)
    for (int value = 0; value < 256; ++value) {
      auto broken = stream;
      broken.corrupt(at, static_cast<uint8_t>(value));
      auto out = decode_pieces(broken.done(), 4099);
      CHECK(out.position <= stream.size());
      CHECK(out.lines.size() <= 3);
    }
}
