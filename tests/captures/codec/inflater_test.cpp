// The inflaters, over what the libraries themselves have compressed.
#include "captures/codec/inflater.h"
#include "tests/captures/codec/packers.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

struct Format {
  const char* name;
  std::unique_ptr<Inflater> (*inflater)();
  Bytes (*pack)(std::span<const std::byte>);
};

const Format kFormats[] = {
    {"zlib", zlib_inflater, zlib_packed},
    {"gzip", gzip_inflater, gzip_packed},
    {"zstd", zstd_inflater, zstd_packed},
    {"xz", xz_inflater, [](auto in) { return xz_packed(in); }},
};

struct Unpacked {
  Bytes bytes;
  bool ended = false;
  std::optional<Error> error;
};

// Takes `in` with room for `room` bytes at a time until nothing moves.
void unpack(Inflater& inflater, std::span<const std::byte> in, size_t room,
            Unpacked& out) {
  for (;;) {
    Bytes piece(room); // of that size, so that an overrun is seen
    auto progress = inflater.inflate(in, piece);
    if (!progress) {
      out.error = progress.error();
      return;
    }
    REQUIRE(progress->used <= in.size());
    REQUIRE(progress->made <= room);
    in = in.subspan(progress->used);
    out.bytes.insert(out.bytes.end(), piece.begin(),
                     piece.begin() + static_cast<long>(progress->made));
    out.ended = progress->ended;
    if (progress->used == 0 && progress->made == 0)
      return;
  }
}

Unpacked unpack(const Format& format, std::span<const std::byte> in,
                size_t room = 4096) {
  Unpacked out;
  unpack(*format.inflater(), in, room, out);
  return out;
}

Unpacked unpack_by_bytes(const Format& format, std::span<const std::byte> in) {
  Unpacked out;
  auto inflater = format.inflater();
  for (size_t i = 0; i < in.size() && !out.error; ++i) {
    Bytes piece(1, in[i]);
    unpack(*inflater, piece, 7, out);
  }
  return out;
}

Bytes zeros(size_t count) {
  return Bytes(count);
}

} // namespace

TEST_CASE("what was packed comes out, however it is cut") {
  Bytes plain = pattern(0, 20000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(plain);
    for (size_t room : {1, 100, 4096, 20000, 20001}) {
      Unpacked out = unpack(format, packed, room);
      CHECK_FALSE(out.error);
      CHECK(out.ended);
      CHECK(out.bytes == plain);
    }
    Unpacked out = unpack_by_bytes(format, packed);
    CHECK(out.ended);
    CHECK(out.bytes == plain);
  }
}

TEST_CASE("a cut stream is not ended") {
  Bytes plain = pattern(0, 3000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(plain);
    for (size_t size = 0; size < packed.size(); ++size) {
      Unpacked out = unpack(format, std::span(packed).first(size));
      CHECK_FALSE(out.error);
      CHECK_FALSE(out.ended);
      REQUIRE(out.bytes.size() <= plain.size());
      CHECK(std::ranges::equal(out.bytes,
                               std::span(plain).first(out.bytes.size())));
    }
  }
}

TEST_CASE("inflate stops at the end of a stream") {
  Bytes plain = pattern(0, 100);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(plain);
    Bytes room(1000);
    auto inflater = format.inflater();
    auto progress = inflater->inflate(packed + zeros(5) + packed, room);
    REQUIRE(progress);
    CHECK(progress->used == packed.size());
    CHECK(progress->made == plain.size());
    CHECK(progress->ended);
  }
}

TEST_CASE("streams one after another, with the padding the format allows") {
  Bytes a = pattern(0, 5000), b = pattern(9, 100);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes both = format.pack(a) + format.pack({}) + format.pack(b);
    CHECK(unpack(format, both).bytes == a + b);
    Unpacked out = unpack_by_bytes(format, both);
    CHECK(out.bytes == a + b);
    CHECK(out.ended);
  }
  for (const Format& format : {kFormats[1], kFormats[3]}) {
    CAPTURE(format.name);
    Bytes padded = format.pack(a) + zeros(8) + format.pack(b) + zeros(4);
    for (const Unpacked& out :
         {unpack(format, padded), unpack_by_bytes(format, padded)}) {
      CHECK_FALSE(out.error);
      CHECK(out.ended);
      CHECK(out.bytes == a + b);
    }
  }
}

TEST_CASE("zstd's skippable frames are passed over") {
  Bytes skippable;
  for (int byte : {0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3})
    skippable.push_back(static_cast<std::byte>(byte));
  Bytes plain = pattern(0, 5000);
  Bytes packed = skippable + zstd_packed(plain) + skippable + skippable;
  for (const Unpacked& out :
       {unpack(kFormats[2], packed), unpack_by_bytes(kFormats[2], packed)}) {
    CHECK_FALSE(out.error);
    CHECK(out.ended);
    CHECK(out.bytes == plain);
  }
}

TEST_CASE("an error stays until reset") {
  Bytes plain = pattern(0, 5000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes garbage = pattern(77, 64);
    Bytes room(8192);
    auto inflater = format.inflater();
    auto first = inflater->inflate(garbage, room);
    REQUIRE_FALSE(first);
    CHECK(first.error().kind == ErrorKind::malformed);
    CHECK(first.error().message.starts_with(
        format.name == std::string_view("gzip") ? "zlib" : format.name));
    auto second = inflater->inflate(format.pack(plain), room);
    REQUIRE_FALSE(second);
    CHECK(second.error().message == first.error().message);
    inflater->reset();
    Unpacked out;
    unpack(*inflater, format.pack(plain), 4096, out);
    CHECK(out.bytes == plain);
    // In the middle of a stream, too.
    Bytes packed = format.pack(plain);
    REQUIRE(inflater->inflate(std::span(packed).first(50), room));
    inflater->reset();
    Unpacked again;
    unpack(*inflater, format.pack(plain), 4096, again);
    CHECK(again.bytes == plain);
  }
}

TEST_CASE("any byte changed gives an error or bytes, never more than asked") {
  Bytes plain = pattern(0, 2000);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(plain);
    for (size_t at = 0; at < packed.size(); ++at)
      for (int change : {0x01, 0x80, 0xff}) {
        Bytes broken = packed;
        broken[at] ^= static_cast<std::byte>(change);
        Bytes room(plain.size());
        (void)format.inflater()->inflate(broken, room);
      }
  }
}

TEST_CASE("a bomb takes no more room than was given") {
  Bytes bomb(64u << 20);
  for (const Format& format : kFormats) {
    CAPTURE(format.name);
    Bytes packed = format.pack(bomb);
    Bytes room(1000, std::byte{1});
    auto progress = format.inflater()->inflate(packed, room);
    REQUIRE(progress);
    CHECK(progress->made == room.size());
    CHECK_FALSE(progress->ended);
  }
}

TEST_CASE("streams that want too much memory are refused") {
  Bytes room(4096);
  // A frame header that claims a window of 256 MiB.
  Bytes frame;
  for (int byte : {0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, 1, 0, 0})
    frame.push_back(static_cast<std::byte>(byte));
  auto zstd = zstd_inflater()->inflate(frame, room);
  REQUIRE_FALSE(zstd);
  CHECK(zstd.error().kind == ErrorKind::unsupported);
  frame[5] = std::byte{(27 - 10) << 3};
  CHECK(zstd_inflater()->inflate(frame, room));

  lzma_options_lzma options;
  lzma_lzma_preset(&options, 1);
  options.dict_size = 256u << 20;
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options},
                           {LZMA_VLI_UNKNOWN, nullptr}};
  lzma_stream encoder = LZMA_STREAM_INIT;
  REQUIRE(lzma_stream_encoder(&encoder, filters, LZMA_CHECK_CRC32) == LZMA_OK);
  Bytes packed(4096);
  encoder.next_in = reinterpret_cast<const uint8_t*>(room.data());
  encoder.avail_in = room.size();
  encoder.next_out = reinterpret_cast<uint8_t*>(packed.data());
  encoder.avail_out = packed.size();
  REQUIRE(lzma_code(&encoder, LZMA_FINISH) == LZMA_STREAM_END);
  lzma_end(&encoder);
  auto xz = xz_inflater()->inflate(packed, room);
  REQUIRE_FALSE(xz);
  CHECK(xz.error().kind == ErrorKind::unsupported);
  CHECK(xz.error().message.find("134217728") != std::string::npos);
}
