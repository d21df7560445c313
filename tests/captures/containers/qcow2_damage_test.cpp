// Images whose tables lie, are cut off or damaged.
#include "tests/captures/containers/qcow2_files.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

constexpr size_t kStateBytes = 70'000; // three L2 tables of 64 clusters each

struct Image {
  Qcow2Builder builder{.snapshots = {{"one", pattern(0, kStateBytes)}}};
  Bytes bytes = builder.build();
  const BuiltSnapshot& snapshot = builder.snapshots[0];
};

// Opens, reads to the end.
ReadOut read(const Bytes& image) {
  static ImageFile file;
  auto source = file.open(image);
  if (!source)
    return {{}, source.error()};
  return read_out(**source, 1 << 20);
}

void check_prefix(const Bytes& bytes) {
  REQUIRE(bytes.size() <= kStateBytes);
  CHECK((bytes == pattern(0, bytes.size())));
}

// The image with `value` at `at`: gives `bytes` bytes, then fails.
void check_fails(Image image, size_t at, uint64_t value, ErrorKind kind,
                 size_t bytes, std::optional<uint64_t> offset) {
  put_be(image.bytes, at, value, 8);
  ReadOut out = read(image.bytes);
  CHECK(out.bytes.size() == bytes);
  check_prefix(out.bytes);
  REQUIRE(out.error);
  CHECK(out.error->kind == kind);
  CHECK(out.error->where == "IMAGE");
  CHECK(out.error->offset == offset);
}

} // namespace

TEST_CASE("a broken table or cluster gives what is before it") {
  Image image;
  const BuiltSnapshot& one = image.snapshot;
  uint64_t size = image.bytes.size();
  // L2 tables: not at a cluster's start, behind the end.
  check_fails(image, one.l1_at + 8,
              0x1200 + 0x2'0000'0000'0000 + 0x1100 - 0x200,
              ErrorKind::truncated, 32768, size);
  check_fails(image, one.l1_at + 16, size + 512 - size % 512,
              ErrorKind::truncated, 65536, size);
  // Clusters: compressed, behind the end.
  check_fails(image, one.l2_at[3], 1ull << 62, ErrorKind::unsupported, 1536,
              one.l2_at[3]);
  check_fails(image, one.l2_at[3], 1ull << 40, ErrorKind::truncated, 1536,
              size);
}

TEST_CASE("an offset inside a cluster is no table and no cluster") {
  Qcow2Builder builder{.cluster_bits = 12,
                       .snapshots = {{"one", pattern(0, kStateBytes)}}};
  Image image{builder, builder.build(), builder.snapshots[0]};
  check_fails(image, image.snapshot.l1_at, 0x1200, ErrorKind::malformed, 0,
              image.snapshot.l1_at);
  check_fails(image, image.snapshot.l2_at[1], 0x1200, ErrorKind::malformed,
              4096, image.snapshot.l2_at[1]);
}

TEST_CASE("tables that cannot hold the state are refused") {
  Image image;
  size_t entry = image.snapshot.entry_at;
  uint64_t l1 = image.snapshot.l1_at - 16; // two entries for the disk
  uint64_t size = image.bytes.size();
  check_fails(image, entry + 40, 1ull << 62, ErrorKind::malformed, 0, l1);
  check_fails(image, entry + 48, ~0ull, ErrorKind::malformed, 0, l1);
  check_fails(image, entry, ~0ull, ErrorKind::truncated, 0, size);
  check_fails(image, 64, ~0ull, ErrorKind::truncated, 0, size);
  // Entries of the L1 table, with the lengths of id and name behind.
  check_fails(image, entry + 8, 0xffff'ffff'0001'0003, ErrorKind::malformed, 0,
              l1);
  check_fails(image, entry + 8, 0x0010'0000'0001'0003, ErrorKind::truncated, 0,
              size);
}

TEST_CASE("the same cluster again and again ends") {
  Image image;
  // A state of many tables, which are all the first one.
  Qcow2Builder builder{.snapshots = {{"one", Bytes(40 << 20)}}};
  builder.snapshots[0].state[0] = std::byte{1};
  image.bytes = builder.build();
  uint64_t data = image.bytes.size() / 2 / 512 * 512;
  for (size_t entry : builder.snapshots[0].l2_at)
    put_be(image.bytes, entry, data, 8);
  ReadOut out = read(image.bytes);
  REQUIRE(out.error);
  CHECK(out.error->kind == ErrorKind::malformed);
  CHECK(out.bytes.size() <= image.bytes.size());
}

TEST_CASE("an image cut anywhere gives a prefix of the state") {
  Qcow2Builder builder{.snapshots = {{"one", pattern(0, 3000)}}};
  Bytes whole = builder.build();
  for (size_t size = 0; size < whole.size(); size++) {
    ReadOut out = read({whole.begin(), whole.begin() + size});
    check_prefix(out.bytes);
    if (out.bytes.size() < 3000)
      REQUIRE(out.error);
  }
}

TEST_CASE("any byte changed ends with an answer") {
  Qcow2Builder builder{.snapshots = {{"one", pattern(0, 700)}}};
  Bytes whole = builder.build();
  for (size_t at = 0; at < whole.size(); at++)
    for (int flip : {0x01, 0x80, 0xff}) {
      Bytes image = whole;
      image[at] ^= static_cast<std::byte>(flip);
      ReadOut out = read(image);
      CHECK((out.error || out.bytes.size() >= 700 || at >= 32));
    }
}
