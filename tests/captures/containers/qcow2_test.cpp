#include "tests/captures/containers/qcow2_files.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

void check_reads(Qcow2Builder builder, const Bytes& state) {
  ImageFile file;
  auto source = file.open(builder.build());
  REQUIRE(source);
  CHECK((*source)->bytes() == state.size());
  CHECK((*source)->origin() == 0);
  CHECK((*source)->remarks().empty());
  size_t most = state.size() / 3;
  Bytes last(state.end() - static_cast<ptrdiff_t>(most), state.end());
  auto tail = (*source)->tail(most);
  REQUIRE(tail);
  CHECK((*tail == last));
  ReadOut out = read_out(**source);
  CHECK_FALSE(out.error);
  CHECK((out.bytes == state));
}

Error open_error(Qcow2Builder builder,
                 const std::optional<std::string>& snapshot = {}) {
  ImageFile file;
  auto source = file.open(builder.build(), snapshot);
  REQUIRE_FALSE(source);
  CHECK(source.error().where == "IMAGE");
  return source.error();
}

bool names(const Error& error, std::string_view text) {
  return error.message.find(text) != error.message.npos;
}

Qcow2Builder two_states() {
  return {.snapshots = {{"disk only", {}},
                        {"first", pattern(0, 3000)},
                        {"second", pattern(5000, 70'000)}}};
}

} // namespace

TEST_CASE("a saved state is read back") {
  Bytes state = state_with_holes(70'001);
  for (uint32_t version : {2u, 3u})
    for (unsigned bits : {9u, 12u, 16u, 21u})
      for (bool extra : {false, true}) {
        CAPTURE(version);
        CAPTURE(bits);
        check_reads({.cluster_bits = bits,
                     .version = version,
                     .extra_data = extra,
                     .snapshots = {{"one", state}}},
                    state);
      }
}

TEST_CASE("subclusters are there or not one by one") {
  Qcow2Builder builder{.cluster_bits = 14,
                       .extended_l2 = true,
                       .snapshots = {{"one", pattern(0, 50'000)}}};
  Bytes image = builder.build();
  // Of the second cluster, the first and the last subcluster are holes.
  put_be(image, builder.snapshots[0].l2_at[1] + 8, 0x7ffffffe, 8);
  Bytes state = pattern(0, 50'000);
  std::fill_n(state.begin() + 16384, 512, std::byte{0});
  std::fill_n(state.begin() + 32768 - 512, 512, std::byte{0});
  ImageFile file;
  auto source = file.open(image);
  REQUIRE(source);
  CHECK((read_out(**source).bytes == state));
  check_reads(builder, pattern(0, 50'000));
}

TEST_CASE("a disk of another size since the snapshot moves nothing") {
  Qcow2Builder builder{.snapshots = {{"one", pattern(0, 5000)}}};
  Bytes image = builder.build();
  put_be(image, 24, 500 << 10, 8); // virtual size of today
  ImageFile file;
  auto source = file.open(image);
  REQUIRE(source);
  CHECK((read_out(**source).bytes == pattern(0, 5000)));
}

TEST_CASE("zero clusters may have room in the file") {
  Qcow2Builder builder{.snapshots = {{"one", pattern(0, 1024)}}};
  Bytes image = builder.build();
  image[builder.snapshots[0].l2_at[1] + 7] |= std::byte{1};
  ImageFile file;
  auto source = file.open(image);
  REQUIRE(source);
  Bytes state = pattern(0, 1024);
  std::fill_n(state.begin() + 512, 512, std::byte{0});
  CHECK((read_out(**source).bytes == state));
}

TEST_CASE("a snapshot is chosen by name or id") {
  Error error = open_error(two_states());
  CHECK(error.kind == ErrorKind::usage);
  CHECK(names(error, "\"first\" (id \"2\"), \"second\" (id \"3\")"));
  CHECK(names(error, "IMAGE#NAME"));
  ImageFile file;
  for (const char* wanted : {"second", "3"}) {
    auto source = file.open(two_states().build(), wanted);
    REQUIRE(source);
    CHECK((read_out(**source).bytes == pattern(5000, 70'000)));
  }
  error = open_error(two_states(), "third");
  CHECK(error.kind == ErrorKind::usage);
  CHECK(names(error, "no snapshot \"third\""));
  CHECK(names(error, "\"first\""));
  CHECK(open_error(two_states(), "disk only").kind == ErrorKind::unsupported);
  CHECK(open_error({}).kind == ErrorKind::unsupported);
}

TEST_CASE("holes are skipped without being read") {
  Qcow2Builder builder{.snapshots = {{"one", pattern(0, 70'000)}}};
  ImageFile file;
  auto source = file.open(builder.build());
  REQUIRE(source);
  CHECK((*source)->skip(69'990));
  CHECK_FALSE((*source)->skip(11));
  CHECK(read_out(**source).bytes == pattern(69'990, 10));
}

TEST_CASE("a mapped-ram state ends where its last cluster does") {
  Bytes state = state_with_holes(70'000);
  std::ranges::copy(testing::bytes_of("mapped-ram"), state.begin());
  Qcow2Builder builder{.snapshots = {{"one", state}}};
  Bytes image = builder.build();
  put_be(image, builder.snapshots[0].entry_at + 40, 4321, 8);
  ImageFile file;
  auto source = file.open(image);
  REQUIRE(source);
  CHECK((*source)->bytes() == state.size());
  CHECK((read_out(**source).bytes == state));
}

TEST_CASE("what cannot be read is refused with its offset") {
  struct {
    size_t at;
    uint64_t value;
    unsigned size;
    ErrorKind kind;
  } cases[] = {
      {0, 0, 4, ErrorKind::malformed},   // magic
      {4, 4, 4, ErrorKind::unsupported}, // version
      {20, 8, 4, ErrorKind::malformed},  // cluster bits
      {20, 22, 4, ErrorKind::malformed},
      {32, 2, 4, ErrorKind::unsupported},    // LUKS
      {60, 65537, 4, ErrorKind::malformed},  // snapshots
      {72, 4, 8, ErrorKind::unsupported},    // data file
      {72, 0x20, 8, ErrorKind::unsupported}, // unknown feature
  };
  Bytes whole = Qcow2Builder{.snapshots = {{"one", pattern(0, 5000)}}}.build();
  ImageFile file;
  for (auto& c : cases) {
    CAPTURE(c.at);
    Bytes image = whole;
    put_be(image, c.at, c.value, c.size);
    auto source = file.open(image);
    REQUIRE_FALSE(source);
    CHECK(source.error().kind == c.kind);
    CHECK(source.error().offset == c.at);
  }
}

TEST_CASE("an image marked as corrupt is read, with a remark") {
  Bytes image = Qcow2Builder{.snapshots = {{"one", pattern(0, 5000)}}}.build();
  put_be(image, 72, 2, 8);
  ImageFile file;
  auto source = file.open(image);
  REQUIRE(source);
  CHECK((*source)->remarks().size() == 1);
  CHECK((read_out(**source).bytes == pattern(0, 5000)));
}
