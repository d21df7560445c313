#include "tests/captures/session/channel_files.h"
#include "tests/support/temp_dir.h"

#include <cstdlib>
#include <sys/stat.h>
#include <thread>

using namespace migscope;
using namespace migscope::captures;
using testing::TempDir;

namespace {

std::unique_ptr<ChannelReader> open(const std::filesystem::path& path) {
  auto reader = ChannelReader::open(path);
  REQUIRE(reader);
  return *std::move(reader);
}

} // namespace

TEST_CASE("bytes and arrival times survive") {
  TempDir dir;
  write_channel(dir / "c.zst", {5, 1, 4096});
  auto reader = open(dir / "c.zst");
  CHECK(reader->bytes() == 4102);
  CHECK_FALSE(reader->torn());
  CHECK(read_channel(*reader).bytes == testing::pattern(0, 4102));
  REQUIRE(reader->chunks().size() == 3);
  CHECK(reader->chunks()[1].offset == 5);
  CHECK(reader->chunks()[1].length == 1);
  CHECK(arrival_of(reader->chunks(), 0) == kStart);
  CHECK(arrival_of(reader->chunks(), 4) == kStart);
  CHECK(arrival_of(reader->chunks(), 5) == kStart + kStep);
  CHECK(arrival_of(reader->chunks(), 4101) == kStart + 2 * kStep);
  CHECK_FALSE(arrival_of(reader->chunks(), 4102));
  CHECK_FALSE(arrival_of({}, 0));
}

TEST_CASE("the file is private and never replaced") {
  TempDir dir;
  write_channel(dir / "c.zst", {5});
  struct stat info {};
  REQUIRE(::stat((dir / "c.zst").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK_FALSE(ChannelWriter::create(dir / "c.zst"));
}

TEST_CASE("a channel without bytes") {
  TempDir dir;
  write_channel(dir / "c.zst", {});
  auto reader = open(dir / "c.zst");
  CHECK(reader->bytes() == 0);
  CHECK(reader->pieces() == 0);
  CHECK(reader->piece_offset(0) == 0);
  CHECK_FALSE(reader->torn());
}

TEST_CASE("a frame closes when it is old, by arrival time") {
  TempDir dir;
  write_channel(dir / "c.zst", {10, 10, 10, 10, 10}); // at 0, 60, 120, ... ms
  auto reader = open(dir / "c.zst");
  REQUIRE(reader->pieces() == 3);
  CHECK(reader->piece_offset(1) == 20);
  CHECK(reader->piece_offset(2) == 40);
}

TEST_CASE("chunks larger than a frame are split, with one arrival") {
  TempDir dir;
  write_channel(dir / "c.zst", {3 * kFrameBytes + 17});
  auto reader = open(dir / "c.zst");
  CHECK(reader->pieces() == 4);
  CHECK(reader->chunks().size() == 4);
  CHECK(arrival_of(reader->chunks(), 3 * kFrameBytes) == kStart);
  CHECK(read_channel(*reader).bytes.size() == 3 * kFrameBytes + 17);
}

TEST_CASE("tiny reads keep an index small") {
  TempDir dir;
  auto writer = ChannelWriter::create(dir / "c.zst");
  REQUIRE(writer);
  const size_t count = kFrameChunks + 5;
  for (size_t i = 0; i < count; i++)
    (void)(*writer)->append(testing::pattern(i, 1), kStart);
  REQUIRE((*writer)->close());
  auto reader = open(dir / "c.zst");
  CHECK(reader->chunks().size() == count);
  CHECK(reader->pieces() >= 2);
  CHECK(read_channel(*reader).bytes.size() == count);
}

TEST_CASE("times may go backwards and be far apart") {
  TempDir dir;
  auto writer = ChannelWriter::create(dir / "c.zst");
  REQUIRE(writer);
  (void)(*writer)->append(testing::pattern(0, 1), {INT64_MAX / 4});
  (void)(*writer)->append(testing::pattern(1, 1), {7});
  REQUIRE((*writer)->close());
  auto reader = open(dir / "c.zst");
  CHECK(arrival_of(reader->chunks(), 0) == MonoTime{INT64_MAX / 4});
  CHECK(arrival_of(reader->chunks(), 1) == MonoTime{7});
}

TEST_CASE("a time that no clock shows is damage") {
  for (int64_t ns : {int64_t{-1}, INT64_MIN, kMaxTimeNs + 1, INT64_MAX}) {
    CAPTURE(ns);
    TempDir dir;
    auto writer = ChannelWriter::create(dir / "c.zst");
    REQUIRE(writer);
    (void)(*writer)->append(testing::pattern(0, 1), {ns});
    REQUIRE((*writer)->close());
    auto reader = open(dir / "c.zst");
    CHECK(reader->torn());
    CHECK(reader->chunks().empty());
  }
}

TEST_CASE("much data, read by several threads at once") {
  TempDir dir;
  std::vector<size_t> lengths(300, 200'000);
  auto writer = ChannelWriter::create(dir / "c.zst");
  REQUIRE(writer);
  uint64_t total = 0;
  for (size_t length : lengths) {
    while (!(*writer)->can_take_more())
      std::this_thread::yield();
    (void)(*writer)->append(testing::pattern(total, length), kStart);
    total += length;
  }
  REQUIRE((*writer)->close());
  auto reader = open(dir / "c.zst");
  CHECK(reader->bytes() == total);
  CHECK(reader->piece_offset(reader->pieces()) == total);
  std::vector<std::thread> threads;
  std::vector<size_t> read(3);
  for (size_t t = 0; t < 3; t++)
    threads.emplace_back([&, t] {
      Bytes piece;
      for (size_t i = t; i < reader->pieces(); i += 3)
        if (reader->read_piece(i, piece) &&
            piece == testing::pattern(reader->piece_offset(i), piece.size()))
          read[t] += piece.size();
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(read[0] + read[1] + read[2] == total);
}

TEST_CASE("a full queue says so, and tells when there is room") {
  TempDir dir;
  std::atomic<int> told = 0;
  auto writer = ChannelWriter::create(dir / "c.zst", [&told] { told++; });
  REQUIRE(writer);
  Bytes most(24u << 20);
  CHECK((*writer)->append(most, kStart));
  // One call holds the queue: no writer thread is fast enough to empty it.
  Bytes more(40u << 20);
  CHECK_FALSE((*writer)->append(more, kStart));
  while (told == 0)
    std::this_thread::yield();
  CHECK((*writer)->can_take_more());
  CHECK((*writer)->close());
  CHECK(told == 1);
}

TEST_CASE("the zstd program reads a channel") {
  if (std::system("command -v zstd >/dev/null") != 0) {
    MESSAGE("skipped: there is no zstd program");
    return;
  }
  TempDir dir;
  write_channel(dir / "c.zst", {kFrameBytes * 2, 100, 100});
  write_channel(dir / "empty.zst", {});
  std::string run = "cd '" + dir.path().string() +
                    "' && zstd -qt c.zst && zstd -dc c.zst >c.raw && "
                    "zstd -dc empty.zst >empty.raw";
  REQUIRE(std::system(run.c_str()) == 0);
  CHECK(testing::read_file(dir / "c.raw") ==
        testing::pattern(0, kFrameBytes * 2 + 200));
  CHECK(testing::read_file(dir / "empty.raw").empty());
}
