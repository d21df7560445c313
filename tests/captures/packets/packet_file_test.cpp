#include "captures/packets/packet_file.h"
#include "tests/support/packet_builder.h"
#include "tests/support/scratch_file.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::testing;

namespace {

Bytes three() {
  PcapBuilder out;
  for (uint16_t i = 0; i < 3; ++i)
    out.add_ip(i + 0.000001, {}, udp(i, 9, Bytes(10)));
  return out.bytes();
}

// How many are read, and what stops that.
std::pair<int, std::optional<Error>> read_all(PacketFile& file) {
  for (int count = 0;; ++count) {
    auto packet = file.next();
    if (!packet)
      return {count, packet.error()};
    if (!*packet)
      return {count, {}};
  }
}

} // namespace

TEST_CASE("packets with their times, to the nanosecond") {
  ScratchFile scratch(three());
  auto file = PacketFile::open(scratch.path(), "");
  REQUIRE(file);
  CHECK(file->link_type() == LinkType::ethernet);
  auto packet = file->next();
  REQUIRE((packet && *packet));
  CHECK((*packet)->time.ns == PcapBuilder::kStartNs + 1);
  CHECK((*packet)->bytes.size() == 14 + 20 + 8 + 10);
  CHECK((*packet)->original_bytes == 52);
  CHECK(read_all(*file).first == 2);
}

TEST_CASE("a filter") {
  ScratchFile scratch(three());
  auto file = PacketFile::open(scratch.path(), "udp src port 1");
  REQUIRE(file);
  auto [count, error] = read_all(*file);
  CHECK(count == 1);
  CHECK_FALSE(error);
}

TEST_CASE("a filter that makes no sense is named") {
  ScratchFile scratch(three());
  auto file = PacketFile::open(scratch.path(), "portt 80");
  REQUIRE_FALSE(file);
  CHECK(file.error().kind == ErrorKind::usage);
  CHECK(file.error().message.find("\"portt 80\"") != std::string::npos);
  CHECK(file.error().message.find("syntax error") != std::string::npos);
}

TEST_CASE("a file that ends too early") {
  Bytes bytes = three();
  for (size_t left_out : {1, 51, 60, 67}) {
    ScratchFile scratch{std::span(bytes).first(bytes.size() - left_out)};
    auto file = PacketFile::open(scratch.path(), "");
    REQUIRE(file);
    auto [count, error] = read_all(*file);
    CHECK(count == 2);
    REQUIRE(error);
    CHECK(error->kind == ErrorKind::truncated);
    CHECK(error->where == scratch.path());
  }
}

TEST_CASE("a length that cannot be") {
  Bytes bytes = three();
  bytes[24 + 8] = std::byte{0x7f};
  ScratchFile scratch(bytes);
  auto file = PacketFile::open(scratch.path(), "");
  REQUIRE(file);
  auto [count, error] = read_all(*file);
  CHECK(count == 0);
  REQUIRE(error);
  CHECK(error->kind == ErrorKind::malformed);
}

TEST_CASE("a time that is none") {
  Bytes bytes = three();
  bytes[24 + 4] = std::byte{0xff}; // nanoseconds of the first packet
  ScratchFile scratch(bytes);
  auto file = PacketFile::open(scratch.path(), "");
  REQUIRE(file);
  CHECK(read_all(*file).first == 2);
  CHECK(file->without_time() == 1);
}

TEST_CASE("what is no capture, not there, or of a link that is not read") {
  ScratchFile text(bytes_of("not a capture, but long enough to be one"));
  auto none = PacketFile::open(text.path(), "");
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::malformed);
  auto missing = PacketFile::open("/nonexistent/file", "");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::io);
  ScratchFile wireless(PcapBuilder(105).bytes());
  auto unread = PacketFile::open(wireless.path(), "");
  REQUIRE_FALSE(unread);
  CHECK(unread.error().kind == ErrorKind::unsupported);
  CHECK(unread.error().message.find("IEEE802_11") != std::string::npos);
}
