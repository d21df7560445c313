// Return paths, message by message.
#include "tests/support/stream_builder.h"

#include "captures/stream/limits.h"
#include "captures/stream/return_path.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

constexpr uint64_t kEnding = 0x0123456789abcdef;

class Log : public ReturnEvents {
public:
  void on_shut(uint64_t offset, uint32_t status) override {
    lines.push_back(fmt::format("shut {} at {}", status, offset));
  }
  void on_pong(uint64_t offset, uint32_t value) override {
    lines.push_back(fmt::format("pong {:#x} at {}", value, offset));
  }
  void on_page_request(const PageRequest& request) override {
    lines.push_back(fmt::format("request {} {:#x} {} at {}", request.block,
                                request.address, request.length,
                                request.offset));
  }
  void on_received_bitmap(const ReceivedBitmap& bitmap) override {
    std::vector<int> bits;
    for (std::byte b : bitmap.bits)
      bits.push_back(std::to_integer<int>(b));
    lines.push_back(
        fmt::format("bitmap {} {} at {}", bitmap.block, bits, bitmap.offset));
  }
  void on_resume_ack(uint64_t offset, uint32_t value) override {
    lines.push_back(fmt::format("resume {} at {}", value, offset));
  }
  void on_switchover_ack(uint64_t offset) override {
    lines.push_back(fmt::format("switchover at {}", offset));
  }
  std::vector<std::string> lines;
};

struct Told {
  std::vector<std::string> lines;
  std::string error;
  uint64_t position = 0;
  bool operator==(const Told&) const = default;
};

Told decode_pieces(std::span<const std::byte> bytes, size_t size) {
  Log log;
  ReturnPathDecoder decoder(log);
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
  for (size_t size = 1; size < stream.size(); ++size)
    CHECK(decode_pieces(stream.done(), size) == whole);
  return whole;
}

StreamBuilder message(uint64_t type, uint64_t length) {
  return StreamBuilder().be16(type).be16(length);
}

StreamBuilder request_id(std::string_view block, uint64_t address) {
  return message(3, 13 + block.size()).be64(address).be32(4096).counted(block);
}

std::string error_of(const StreamBuilder& stream) {
  return decode_all_ways(stream).error;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("return path: every message") {
  auto stream = message(2, 4).be32(0x42);
  stream.bytes(request_id("pc.ram", 0x5000).done());
  stream.be16(4).be16(12).be64(0x7000).be32(4096);
  stream.bytes(request_id("vga.vram", 0).done());
  stream.be16(4).be16(12).be64(0x1000).be32(0x200000);
  stream.be16(5).be16(7).counted("pc.ram").be64(8).bytes(
      StreamBuilder().be64(0x0102030405060708).done());
  stream.be64(kEnding);
  stream.be16(6).be16(4).be32(1);
  stream.be16(7).be16(0);
  stream.be16(1).be16(4).be32(0);
  auto out = decode_all_ways(stream);
  CHECK(out.error == "");
  CHECK(out.position == stream.size());
  CHECK(out.lines == std::vector<std::string>{
                         "pong 0x42 at 0", "request pc.ram 0x5000 4096 at 8",
                         "request pc.ram 0x7000 4096 at 31",
                         "request vga.vram 0x0 4096 at 47",
                         "request vga.vram 0x1000 2097152 at 72",
                         "bitmap pc.ram [1, 2, 3, 4, 5, 6, 7, 8] at 88",
                         "resume 1 at 123", "switchover at 131",
                         "shut 0 at 135"});
}

TEST_CASE("return path: names of messages") {
  CHECK(name_of(ReturnMessage::shut) == "SHUT");
  CHECK(name_of(ReturnMessage::req_pages_id) == "REQ_PAGES_ID");
  CHECK(name_of(ReturnMessage::switchover_ack) == "SWITCHOVER_ACK");
}

TEST_CASE("return path: a request without block takes that of the one before") {
  auto stream = message(4, 12).be64(0).be32(4096);
  auto out = decode_all_ways(stream);
  CHECK(out.lines.empty());
  CHECK(contains(out.error, "at 0x0: REQ_PAGES without a block"));
}

TEST_CASE("return path: requests are whole host pages") {
  for (auto [address, length] :
       {std::pair{0x1001, 4096}, {0, 0}, {0, 100}, {0x800, 4096}})
    CHECK(contains(
        error_of(message(3, 14).be64(address).be32(length).counted("a")),
        "expected multiples of 0x1000"));
}

TEST_CASE("return path: types and lengths that do not exist") {
  CHECK(error_of(message(0, 0)) ==
        "at 0x0: return path message of type 0, expected 1 to 7");
  CHECK(error_of(message(8, 0)) ==
        "at 0x0: return path message of type 8, expected 1 to 7");
  struct Case {
    int type, length;
  };
  for (Case bad : {Case{1, 3},
                   {1, 5},
                   {2, 0},
                   {3, 13},
                   {3, 269},
                   {4, 11},
                   {4, 13},
                   {5, 1},
                   {5, 257},
                   {6, 8},
                   {7, 1}}) {
    auto stream = message(bad.type, bad.length).fill(300, 0);
    auto name = name_of(ReturnMessage(bad.type));
    CHECK(decode_pieces(stream.done(), 1000)
              .error.starts_with(fmt::format("at 0x0: return path message {} "
                                             "of {} bytes, expected ",
                                             name, bad.length)));
  }
  // A name that is shorter or longer than the message, or none.
  for (auto stream :
       {message(3, 15).be64(0).be32(4096).counted("a").u8(0),
        message(3, 14).be64(0).be32(4096).u8(9).u8('a'),
        message(3, 14).be64(0).be32(4096).u8(0).u8(0),
        message(5, 3).counted("a").u8(0), message(5, 2).u8(2).text("aa")})
    CHECK(contains(error_of(stream), "at 0x0: return path message whose length "
                                     "is not that of the block name"));
}

TEST_CASE("return path: bitmaps stand outside their message") {
  auto head = message(5, 2).counted("a");
  auto empty = head;
  CHECK(contains(error_of(empty.be64(0).be64(kEnding)), "without SHUT"));
  auto no_ending = head;
  CHECK(error_of(no_ending.be64(8).fill(8, 0).be64(kEnding + 1)) ==
        "at 0x0: bitmap of block \"a\" ends with 0x123456789abcdf0, expected "
        "0x123456789abcdef");
  auto odd = head;
  CHECK(contains(error_of(odd.be64(9).fill(40, 0)),
                 "of 9 bytes, expected a multiple of 8 up to 268435456"));
  auto huge = head;
  CHECK(contains(error_of(huge.be64(limits::kMaxBitmapBytes + 8)),
                 "of 268435464 bytes, expected"));
  auto claimed = head;
  CHECK(contains(error_of(claimed.be64(limits::kMaxBitmapBytes).fill(50, 0)),
                 "in a message (64 of 268435470 bytes)"));
}

TEST_CASE("return path: a long bitmap in small pieces") {
  auto stream = message(5, 2).counted("a").be64(1 << 20).fill(1 << 20, 0xff);
  stream.be64(kEnding).be16(1).be16(4).be32(1);
  auto out = decode_pieces(stream.done(), 13);
  CHECK(out.error == "");
  REQUIRE(out.lines.size() == 2);
  CHECK(out.lines[1] == fmt::format("shut 1 at {}", 22 + (1 << 20)));
}

TEST_CASE("return path: SHUT comes last, and comes") {
  auto stream = message(1, 4).be32(1);
  CHECK(decode_all_ways(stream).error == "");
  CHECK(error_of(stream.u8(0)) ==
        "at 0x8: bytes after SHUT on the return path, expected none");
  CHECK(error_of(message(2, 4).be32(1)) ==
        "at 0x8: the return path ends early: without SHUT");
  CHECK(error_of(message(2, 4).be16(0)) ==
        "at 0x6: the return path ends early: in a message (6 of 8 bytes)");
  CHECK(error_of(StreamBuilder()) ==
        "at 0x0: the return path ends early: without SHUT");
}

TEST_CASE("return path: any byte changed is sound") {
  auto stream = request_id("pc.ram", 0x5000);
  stream.be16(5).be16(7).counted("pc.ram").be64(8).fill(8, 1).be64(kEnding);
  stream.be16(1).be16(4).be32(0);
  for (size_t at = 0; at < stream.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      auto broken = stream;
      broken.corrupt(at, static_cast<uint8_t>(value));
      auto out = decode_pieces(broken.done(), 1000);
      CHECK(out.position <= stream.size());
      CHECK(decode_pieces(broken.done(), 1) == out);
    }
}
