// The file against the public descriptions alone: RFC 8878 for frames and
// zstd's contrib/seekable_format for the table.
#include "base/byte_order.h"
#include "tests/captures/session/channel_files.h"
#include "tests/support/temp_dir.h"

#include <zstd.h>

using namespace migscope;
using namespace migscope::captures;
using testing::TempDir;

namespace {

struct Entry {
  uint32_t compressed, decompressed;
};

std::vector<Entry> seek_table(const Bytes& file) {
  REQUIRE(file.size() >= 17);
  const std::byte* end = file.data() + file.size();
  REQUIRE(load_le<uint32_t>(end - 4) == 0x8F92EAB1);
  REQUIRE(std::to_integer<int>(*(end - 5)) == 0);
  auto count = load_le<uint32_t>(end - 9);
  REQUIRE(file.size() >= 17 + count * 8);
  const std::byte* table = end - 9 - count * 8;
  REQUIRE(load_le<uint32_t>(table - 8) == 0x184D2A5E);
  REQUIRE(load_le<uint32_t>(table - 4) == count * 8 + 9);
  std::vector<Entry> entries;
  for (; table != end - 9; table += 8)
    entries.push_back({load_le<uint32_t>(table), load_le<uint32_t>(table + 4)});
  return entries;
}

} // namespace

TEST_CASE("the seek table is zstd's and covers every frame") {
  TempDir dir;
  write_channel(dir / "c.zst", {kFrameBytes + 1, 50, 50});
  Bytes file = testing::read_file(dir / "c.zst");
  auto entries = seek_table(file);
  uint64_t at = 0, stream = 0;
  Bytes out(kFrameBytes);
  for (const Entry& entry : entries) {
    auto magic = load_le<uint32_t>(&file[at]);
    if (entry.decompressed == 0) {
      CHECK((magic & 0xFFFFFFF0) == 0x184D2A50);
    } else {
      size_t n =
          ZSTD_decompress(out.data(), out.size(), &file[at], entry.compressed);
      REQUIRE(n == entry.decompressed);
      CHECK(
          (Bytes(out.begin(), out.begin() + n) == testing::pattern(stream, n)));
    }
    at += entry.compressed;
    stream += entry.decompressed;
  }
  CHECK(stream == kFrameBytes + 101);
  CHECK(at + 17 + entries.size() * 8 == file.size());
}

TEST_CASE("every data frame states its size and carries a checksum") {
  TempDir dir;
  write_channel(dir / "c.zst", {1000});
  Bytes file = testing::read_file(dir / "c.zst");
  auto entries = seek_table(file);
  REQUIRE(entries.size() == 2);
  const std::byte* frame = &file[entries[0].compressed];
  CHECK(ZSTD_getFrameContentSize(frame, entries[1].compressed) == 1000);
  CHECK((std::to_integer<int>(frame[4]) & 0x04) != 0);
}

TEST_CASE("the index frame, byte by byte") {
  std::vector<Chunk> chunks{{0x1122334455, 300, {1000}},
                            {0x1122334455 + 300, 1, {999}}};
  Bytes frame;
  append_index(chunks, frame);
  Bytes expected(40);
  auto set = [&](size_t at, std::initializer_list<int> values) {
    for (int value : values)
      expected[at++] = static_cast<std::byte>(value);
  };
  set(0, {0x5B, 0x2A, 0x4D, 0x18, 41, 0, 0, 0, 'M', 'S', 'I', 'X', 1});
  set(16, {0x55, 0x44, 0x33, 0x22, 0x11});
  set(24, {0x2D, 0x01, 0, 0, 2});
  set(32, {0xE8, 0x03});
  for (int value : {0xAC, 0x02, 0x00, 0x01, 0x01})
    expected.push_back(static_cast<std::byte>(value));
  REQUIRE(frame.size() == expected.size() + 4);
  CHECK((Bytes(frame.begin(), frame.end() - 4) == expected));
  auto back = parse_index(frame);
  REQUIRE(back);
  REQUIRE(back->size() == 2);
  CHECK((*back)[1].offset == 0x1122334455 + 300);
  CHECK((*back)[1].arrival == MonoTime{999});
}
