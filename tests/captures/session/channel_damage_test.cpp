#include "base/byte_order.h"
#include "tests/captures/session/channel_files.h"
#include "tests/support/temp_dir.h"

#include <xxhash.h>
#include <zstd.h>

using namespace migscope;
using namespace migscope::captures;
using testing::TempDir;

namespace {

const std::vector<size_t> kLengths{40, 30, 20, 50}; // two frames: 70, 70

// Bytes of the stream in the complete frames before `size`.
uint64_t whole_frames_in(const ChannelReader& whole, const Bytes& file,
                         size_t size) {
  uint64_t at = 0, stream = 0;
  for (size_t i = 0; i < whole.pieces(); i++) {
    at += 8 + load_le<uint32_t>(&file[at + 4]);
    at += ZSTD_findFrameCompressedSize(&file[at], file.size() - at);
    if (at > size)
      break;
    stream = whole.piece_offset(i + 1);
  }
  return stream;
}

// Chunks without a hole, each with the arrival that was written.
void check_chunks(const ChannelReader& reader, uint64_t bytes) {
  uint64_t offset = 0;
  MonoTime arrival = kStart;
  for (const Chunk& chunk : reader.chunks()) {
    CHECK(chunk.offset == offset);
    CHECK(chunk.arrival == arrival);
    offset += chunk.length;
    arrival = arrival + kStep;
  }
  CHECK(offset == bytes);
}

Bytes skippable(uint32_t magic, uint32_t size) {
  Bytes out(8);
  store_le(out.data(), magic);
  store_le(out.data() + 4, size);
  return out;
}

Bytes zstd_frame(size_t bytes) {
  Bytes in = testing::pattern(0, bytes), out(ZSTD_compressBound(bytes));
  out.resize(ZSTD_compress(out.data(), out.size(), in.data(), bytes, 1));
  return out;
}

} // namespace

TEST_CASE("cut at any byte, the bytes before can be read") {
  TempDir dir;
  write_channel(dir / "whole.zst", kLengths);
  Bytes file = testing::read_file(dir / "whole.zst");
  auto whole = ChannelReader::open(dir / "whole.zst");
  REQUIRE(whole);
  for (size_t size = 0; size < file.size(); size++) {
    CAPTURE(size);
    testing::write_file(dir / "cut.zst", std::span(file).first(size));
    auto reader = ChannelReader::open(dir / "cut.zst");
    REQUIRE(reader);
    uint64_t expected = whole_frames_in(**whole, file, size);
    CHECK((*reader)->bytes() >= expected);
    CHECK((*reader)->bytes() < expected + 71);
    REQUIRE((*reader)->torn());
    CHECK((*reader)->torn()->kind == ErrorKind::truncated);
    CHECK(read_channel(**reader).bytes.size() == (*reader)->bytes());
    check_chunks(**reader, (*reader)->bytes());
  }
}

TEST_CASE("of a frame that is cut off, its complete blocks can be read") {
  TempDir dir;
  write_channel(dir / "c.zst", {kFrameBytes});
  Bytes file = testing::read_file(dir / "c.zst");
  testing::write_file(dir / "cut.zst", std::span(file).first(file.size() / 2));
  auto reader = ChannelReader::open(dir / "cut.zst");
  REQUIRE(reader);
  CHECK((*reader)->bytes() >= kFrameBytes / 4);
  CHECK((*reader)->bytes() < kFrameBytes);
  CHECK((*reader)->torn());
  check_chunks(**reader, (*reader)->bytes());
  CHECK(read_channel(**reader).bytes.size() == (*reader)->bytes());
}

TEST_CASE("any changed byte gives a clean answer and no wrong bytes") {
  TempDir dir;
  write_channel(dir / "c.zst", kLengths);
  const Bytes file = testing::read_file(dir / "c.zst");
  size_t unharmed = 0;
  for (size_t at = 0; at < file.size(); at++) {
    for (int change : {0x01, 0x02, 0x10, 0x80, 0xff}) {
      CAPTURE(at);
      CAPTURE(change);
      Bytes changed = file;
      changed[at] ^= static_cast<std::byte>(change);
      testing::write_file(dir / "x.zst", changed);
      auto reader = ChannelReader::open(dir / "x.zst");
      if (!reader)
        continue;
      Content content = read_channel(**reader);
      bool told = (*reader)->torn() || content.failed_pieces > 0;
      if (told)
        continue;
      unharmed++; // a bit that nobody reads
      CHECK(content.bytes.size() == 140);
      check_chunks(**reader, 140);
    }
  }
  // zstd's frame header has an unused bit and the table's descriptor two.
  CHECK(unharmed < 12);
}

TEST_CASE("a damaged frame costs that frame only") {
  TempDir dir;
  write_channel(dir / "c.zst", {10, 10, 10, 10, 10, 10}); // three frames
  Bytes file = testing::read_file(dir / "c.zst");
  size_t first_data = 8 + load_le<uint32_t>(&file[4]);
  file[first_data] ^= std::byte{0xff}; // the magic
  testing::write_file(dir / "x.zst", file);
  auto reader = ChannelReader::open(dir / "x.zst");
  REQUIRE(reader);
  CHECK(read_channel(**reader).failed_pieces == 1);
  CHECK(read_channel(**reader).bytes.size() == 40);
}

TEST_CASE("damaged times cost no bytes and are told") {
  TempDir dir;
  write_channel(dir / "c.zst", {10, 10, 10});
  Bytes file = testing::read_file(dir / "c.zst");
  file[40] ^= std::byte{1}; // a chunk's length
  testing::write_file(dir / "x.zst", file);
  auto reader = ChannelReader::open(dir / "x.zst");
  REQUIRE(reader);
  CHECK(read_channel(**reader).bytes.size() == 30);
  REQUIRE((*reader)->torn());
  CHECK((*reader)->torn()->kind == ErrorKind::malformed);
  CHECK_FALSE(arrival_of((*reader)->chunks(), 0));
  CHECK(arrival_of((*reader)->chunks(), 20) == kStart + 2 * kStep);
}

TEST_CASE("zstd files of other writers") {
  TempDir dir;
  Bytes file = zstd_frame(1000);
  testing::write_file(dir / "plain.zst", file);
  auto reader = ChannelReader::open(dir / "plain.zst");
  REQUIRE(reader);
  CHECK_FALSE((*reader)->torn());
  CHECK((*reader)->chunks().empty());
  CHECK(read_channel(**reader).bytes.size() == 1000);
}

TEST_CASE("what is no zstd file") {
  TempDir dir;
  testing::write_file(dir / "raw", testing::bytes_of("QEVM\0\0\0\3"));
  auto raw = ChannelReader::open(dir / "raw");
  REQUIRE_FALSE(raw);
  CHECK(raw.error().kind == ErrorKind::malformed);
  testing::write_file(dir / "short", testing::bytes_of("QE"));
  CHECK_FALSE(ChannelReader::open(dir / "short"));
  CHECK_FALSE(ChannelReader::open(dir / "missing"));
  CHECK_FALSE(ChannelReader::open(dir.path()));
}

TEST_CASE("a frame that claims more than it may is refused") {
  TempDir dir;
  Bytes frame = zstd_frame(1000);
  frame[4] = static_cast<std::byte>(0xE0); // eight bytes of content size
  frame.insert(frame.begin() + 5, 8, std::byte{0x7f});
  testing::write_file(dir / "x.zst", frame);
  auto reader = ChannelReader::open(dir / "x.zst");
  REQUIRE_FALSE(reader);
  CHECK(reader.error().kind == ErrorKind::unsupported);
}

TEST_CASE("an index that claims more chunks than it has") {
  std::vector<Chunk> chunks{{0, 10, kStart}};
  Bytes frame;
  append_index(chunks, frame);
  auto reseal = [&] {
    auto body = std::span(frame).subspan(8, frame.size() - 12);
    store_le(&frame[frame.size() - 4],
             static_cast<uint32_t>(XXH64(body.data(), body.size(), 0)));
  };
  store_le(&frame[28], UINT32_MAX);
  reseal();
  CHECK_FALSE(parse_index(frame));
  store_le(&frame[28], 1u);
  store_le(&frame[16], UINT64_MAX);
  reseal();
  CHECK_FALSE(parse_index(frame));
  store_le(&frame[16], uint64_t{0});
  frame[12] = std::byte{2};
  reseal();
  auto newer = parse_index(frame);
  REQUIRE_FALSE(newer);
  CHECK(newer.error().kind == ErrorKind::unsupported);
}

TEST_CASE("a skippable frame that reaches past the end") {
  TempDir dir;
  testing::write_file(dir / "x.zst", skippable(0x184D2A50, UINT32_MAX));
  auto reader = ChannelReader::open(dir / "x.zst");
  REQUIRE(reader);
  CHECK((*reader)->bytes() == 0);
  CHECK((*reader)->torn());
}

TEST_CASE("a seek table that contradicts the file is not believed") {
  TempDir dir;
  write_channel(dir / "c.zst", {10, 10});
  Bytes file = testing::read_file(dir / "c.zst");
  store_le(&file[file.size() - 13], 21u); // decompressed size of the last
  testing::write_file(dir / "x.zst", file);
  auto reader = ChannelReader::open(dir / "x.zst");
  REQUIRE(reader);
  CHECK((*reader)->bytes() == 20);
  CHECK(read_channel(**reader).bytes.size() == 20);
}
