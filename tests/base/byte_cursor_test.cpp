#include "base/byte_cursor.h"

#include <doctest/doctest.h>

using namespace migscope;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

} // namespace

TEST_CASE("numbers are big-endian") {
  ByteCursor cursor(bytes_of(std::string_view("\x01\x02\x03\x04\x05\x06\x07\x08"
                                              "\xff\xfe\x7f",
                                              11)));
  CHECK(cursor.be<uint64_t>("a") == 0x0102030405060708u);
  CHECK(cursor.be<uint16_t>("b") == 0xfffe);
  CHECK(cursor.be<uint8_t>("c") == 0x7f);
  CHECK(cursor.left() == 0);
}

TEST_CASE("a failed read moves nothing and says where") {
  ByteCursor cursor(bytes_of("\x05pc."), 0x1f3f);
  auto name = cursor.counted_string("block name");
  REQUIRE_FALSE(name);
  CHECK(name.error().kind == ErrorKind::truncated);
  CHECK(describe(name.error()) ==
        "at 0x1f3f: block name: need 6 bytes, have 4");
  CHECK(cursor.offset() == 0x1f3f);
  CHECK_FALSE(cursor.be<uint64_t>("word"));
  CHECK_FALSE(cursor.take(5, "payload"));
  CHECK(cursor.take(4, "payload")->size() == 4);
}

TEST_CASE("counted strings") {
  ByteCursor cursor(bytes_of(std::string_view("\x03ram\x00", 5)));
  CHECK(cursor.counted_string("idstr") == "ram");
  CHECK(cursor.counted_string("empty") == "");
  CHECK_FALSE(cursor.counted_string("none"));
}
