// What packers count, against the libraries.
#include "captures/codec/packet_packer.h"
#include "tests/captures/codec/packers.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

constexpr size_t kPage = 4096;

uint64_t packed(PacketPacker& packer, std::span<const std::byte> pages) {
  auto made = packer.pack(pages);
  REQUIRE(made);
  return *made;
}

// A packet that goes through deflate() in one call.
uint64_t deflated_once(z_stream& zs, std::span<const std::byte> in) {
  Bytes out(2 * in.size() + 100);
  zs.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
  zs.avail_in = static_cast<uInt>(in.size());
  zs.next_out = reinterpret_cast<Bytef*>(out.data());
  zs.avail_out = static_cast<uInt>(out.size());
  deflate(&zs, Z_SYNC_FLUSH);
  return out.size() - zs.avail_out;
}

} // namespace

TEST_CASE("a zlib packet's bytes are those of the stream") {
  z_stream zs{};
  deflateInit(&zs, 1);
  auto packer = zlib_packer(1, kPage);
  for (uint64_t i = 0; i < 3; ++i) {
    Bytes pages = pattern(i << 19, 128 * kPage);
    CHECK(packed(*packer, pages) == deflated_once(zs, pages));
  }
  deflateEnd(&zs);
}

TEST_CASE("a zstd packet's bytes are those of the stream") {
  Bytes pages = pattern(0, 128 * kPage);
  auto packer = zstd_packer(1, kPage);
  uint64_t first = packed(*packer, pages);
  CHECK(first > pages.size() / 4);
  CHECK(first < pages.size());
  // The whole frame, closed, differs from it by its end alone.
  Bytes whole(ZSTD_compressBound(pages.size()));
  uint64_t once =
      ZSTD_compress(whole.data(), whole.size(), pages.data(), pages.size(), 1);
  CHECK(static_cast<double>(first) ==
        doctest::Approx(static_cast<double>(once)).epsilon(0.01));
}

TEST_CASE("a packet finds in the window what the one before held") {
  for (auto make : {zlib_packer, zstd_packer}) {
    auto packer = make(1, kPage);
    Bytes page = pattern(0, kPage);
    uint64_t first = packed(*packer, page);
    uint64_t again = packed(*packer, page);
    CHECK(again < first / 10);
    CHECK(packed(*make(1, kPage), page) == first);
  }
}

TEST_CASE("more than the room for what comes out is counted, too") {
  Bytes noise(1u << 20);
  uint64_t state = 1;
  for (std::byte& byte : noise)
    byte = std::byte((state = state * 6364136223846793005u + 1) >> 56);
  for (auto make : {zlib_packer, zstd_packer}) {
    uint64_t made = packed(*make(1, kPage), noise);
    CHECK(made > noise.size());
    CHECK(made < noise.size() + noise.size() / 100);
  }
}
