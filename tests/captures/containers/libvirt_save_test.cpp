#include "captures/containers/libvirt_save.h"
#include "tests/captures/containers/save_image.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using migscope::test::SaveImage;
using testing::Bytes;

namespace {

Error error_of(const Bytes& bytes) {
  auto header = parse_save_header(bytes);
  REQUIRE_FALSE(header);
  return header.error();
}

Bytes with_field(size_t at, uint32_t value) {
  Bytes bytes = SaveImage{}.build();
  for (unsigned i = 0; i < 4; i++)
    bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
  return bytes;
}

} // namespace

TEST_CASE("a save image tells where its stream begins") {
  for (bool big_endian : {false, true}) {
    SaveImage image{.format = 5, .big_endian = big_endian};
    auto header = parse_save_header(image.build());
    REQUIRE(header);
    CHECK(header->complete);
    CHECK(header->version == 2);
    CHECK(header->was_running);
    CHECK(header->format == SaveFormat::zstd);
    CHECK(header->xml_bytes == image.xml.size() + 1);
    CHECK(header->cookie_bytes == image.data_len() - image.xml.size() - 1);
    CHECK(header->stream_offset == 92 + image.data_len());
  }
}

TEST_CASE("an image that libvirt did not finish is told as that") {
  auto header =
      parse_save_header(SaveImage{.magic = "LibvirtQemudPart"}.build());
  REQUIRE(header);
  CHECK_FALSE(header->complete);
}

TEST_CASE("version 1 knew no compression") {
  auto header =
      parse_save_header(SaveImage{.version = 1, .format = 77}.build());
  REQUIRE(header);
  CHECK(header->format == SaveFormat::raw);
}

TEST_CASE("a header cut anywhere is truncated") {
  Bytes whole = SaveImage{}.build();
  for (size_t size = 0; size < kSaveHeaderBytes; size++) {
    Error error = error_of({whole.begin(), whole.begin() + size});
    CHECK(error.kind == ErrorKind::truncated);
    CHECK(error.offset == size);
  }
}

TEST_CASE("fields that cannot be are refused with their offset") {
  struct {
    size_t at;
    uint32_t value;
    ErrorKind kind;
  } cases[] = {
      {16, 3, ErrorKind::unsupported},          // version
      {16, 0x01020304, ErrorKind::unsupported}, // absurd in both byte orders
      {20, 0, ErrorKind::malformed},            // data_len
      {20, 0xffffffff, ErrorKind::malformed},
      {28, 7, ErrorKind::unsupported},     // format
      {32, 0x10000, ErrorKind::malformed}, // cookieOffset
  };
  for (auto& c : cases) {
    CAPTURE(c.at);
    CAPTURE(c.value);
    Error error = error_of(with_field(c.at, c.value));
    CHECK(error.kind == c.kind);
    CHECK(error.offset == c.at);
  }
  CHECK(error_of(with_field(0, 0)).kind == ErrorKind::malformed); // magic
}
