#include "captures/containers/unwrap.h"
#include "tests/captures/codec/packers.h"
#include "tests/captures/containers/memory_source.h"
#include "tests/captures/containers/save_image.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

const Bytes kStream =
    Bytes{std::byte{'Q'}, std::byte{'E'}, std::byte{'V'}, std::byte{'M'}} +
    pattern(0, 200'000);

// Pieces as a slow pipe may give them, too.
auto open(const Bytes& bytes, size_t piece = SIZE_MAX) {
  return unwrap(std::make_unique<MemorySource>(bytes, piece), "FILE");
}

void check_gives_stream(const Bytes& bytes, uint64_t origin) {
  for (size_t piece : {size_t{1000}, SIZE_MAX}) {
    auto source = open(bytes, piece);
    REQUIRE(source);
    CHECK((*source)->origin() == origin);
    ReadOut out = read_out(**source);
    CHECK_FALSE(out.error);
    CHECK((out.bytes == kStream));
  }
}

Error error_of(const Bytes& bytes) {
  auto source = open(bytes);
  REQUIRE_FALSE(source);
  CHECK(source.error().where.starts_with("FILE"));
  return source.error();
}

} // namespace

TEST_CASE("what is not wrapped is given as it is") {
  check_gives_stream(kStream, 0);
  Bytes empty;
  auto source = open(empty);
  REQUIRE(source);
  CHECK(read_out(**source).bytes.empty());
}

TEST_CASE("compression is told by its first bytes") {
  check_gives_stream(gzip_packed(kStream), 0);
  check_gives_stream(zstd_packed(kStream), 0);
  check_gives_stream(xz_packed(kStream), 0);
}

TEST_CASE("even where they come one by one") {
  auto source = open(gzip_packed(kStream), 1);
  REQUIRE(source);
  CHECK((read_out(**source).bytes == kStream));
}

TEST_CASE("a save image is opened as its header says") {
  SaveImage raw;
  check_gives_stream(raw.build(kStream), 92 + raw.data_len());
  check_gives_stream(SaveImage{.format = 6}.build(kStream),
                     92 + raw.data_len());
  check_gives_stream(SaveImage{.format = 1}.build(gzip_packed(kStream)), 0);
  check_gives_stream(SaveImage{.format = 3}.build(xz_packed(kStream)), 0);
  check_gives_stream(SaveImage{.format = 5}.build(zstd_packed(kStream)), 0);
}

TEST_CASE("offsets of broken payload count from the image's start") {
  SaveImage gzip{.format = 1};
  auto source = open(gzip.build(pattern(0, 500)));
  REQUIRE(source);
  ReadOut out = read_out(**source);
  REQUIRE(out.error);
  CHECK(out.error->kind == ErrorKind::malformed);
  CHECK(out.error->offset.value() >= 92 + gzip.data_len());
}

TEST_CASE("layers are taken off up to the ceiling") {
  Bytes image = SaveImage{.format = 1}.build(gzip_packed(kStream));
  check_gives_stream(zstd_packed(image), 0);
  check_gives_stream(xz_packed(zstd_packed(image)), 0);
  Error error = error_of(gzip_packed(xz_packed(zstd_packed(image))));
  CHECK(error.kind == ErrorKind::unsupported);
  CHECK(error.message.find("3 layers") != error.message.npos);
}

TEST_CASE("an unfinished image is read, with a remark") {
  SaveImage part{.magic = "LibvirtQemudPart", .format = 1};
  for (const Bytes& bytes : {part.build(gzip_packed(kStream)),
                             xz_packed(part.build(gzip_packed(kStream)))}) {
    auto source = open(bytes);
    REQUIRE(source);
    REQUIRE((*source)->remarks().size() == 1);
    CHECK((*source)->remarks()[0].kind == ErrorKind::truncated);
    CHECK((read_out(**source).bytes == kStream));
  }
}

TEST_CASE("programs that are not there are named, with what to do") {
  for (auto [format, program] : {std::pair{2u, "bzip2"}, {4u, "lzop"}}) {
    SaveImage image{.format = format};
    Error error = error_of(image.build(kStream));
    CHECK(error.kind == ErrorKind::unsupported);
    CHECK(error.offset == 92 + image.data_len());
    CHECK(error.message.find(std::string(program) + " -dc") !=
          error.message.npos);
    CHECK(error.message.find("+" + std::to_string(93 + image.data_len())) !=
          error.message.npos);
  }
}

TEST_CASE("a save image that ends before its stream is truncated") {
  Bytes whole = SaveImage{}.build();
  for (size_t size : {16, 50, 92, 150}) {
    Error error = error_of({whole.begin(), whole.begin() + size});
    CHECK(error.kind == ErrorKind::truncated);
    CHECK(error.offset == size);
  }
}

TEST_CASE("a qcow2 image that cannot be read at random is refused") {
  Bytes image = pattern(0, 5000);
  auto magic = testing::bytes_of("QFI\xfb");
  std::ranges::copy(magic, image.begin());
  CHECK(error_of(image).kind == ErrorKind::unsupported);
  CHECK(error_of(xz_packed(image)).where == "FILE (unpacked)");
}
