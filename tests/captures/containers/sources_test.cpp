// What a path that a user gives is opened as.
#include "base/task_pool.h"
#include "captures/session/channel_writer.h"
#include "captures/sources.h"
#include "tests/captures/codec/packers.h"
#include "tests/captures/containers/memory_source.h"
#include "tests/captures/containers/qcow2_builder.h"
#include "tests/captures/containers/save_image.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <thread>

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::test;
using testing::pattern;

namespace {

// Any bytes that look like nothing else.
const Bytes kStream = pattern(4096, 3'000'000);

struct Folder {
  testing::TempDir directory;

  std::filesystem::path file(const char* name, const Bytes& bytes) {
    auto path = directory / name;
    testing::write_file(path, bytes);
    return path;
  }
};

void check_gives_stream(const std::filesystem::path& path) {
  CAPTURE(path);
  auto source = open_source(path);
  REQUIRE(source);
  ReadOut out = read_out(**source);
  CHECK_FALSE(out.error);
  CHECK((out.bytes == kStream));
}

// As `zstd <FILE` writes it: without its size.
Bytes zstd_of_unknown_size(const Bytes& in) {
  Bytes out(ZSTD_compressBound(in.size()));
  ZSTD_CStream* zstd = ZSTD_createCStream();
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (from.pos < from.size)
    ZSTD_compressStream2(zstd, &to, &from, ZSTD_e_continue);
  ZSTD_compressStream2(zstd, &to, &from, ZSTD_e_end);
  ZSTD_freeCStream(zstd);
  out.resize(to.pos);
  return out;
}

} // namespace

TEST_CASE("files are opened as what they are") {
  Folder folder;
  check_gives_stream(folder.file("stream", kStream));
  check_gives_stream(folder.file("stream.gz", gzip_packed(kStream)));
  check_gives_stream(folder.file("stream.xz", xz_packed(kStream)));
  check_gives_stream(folder.file("stream.zst", zstd_packed(kStream)));
  check_gives_stream(folder.file("piped.zst", zstd_of_unknown_size(kStream)));
  check_gives_stream(
      folder.file("both.zst", zstd_packed(kStream) + zstd_of_unknown_size({})));
  check_gives_stream(folder.file("image", SaveImage{}.build(kStream)));
  check_gives_stream(folder.file(
      "image.zst", zstd_of_unknown_size(
                       SaveImage{.format = 1}.build(gzip_packed(kStream)))));
}

TEST_CASE("a stream stands in its file where origin says") {
  Folder folder;
  SaveImage image;
  auto source = open_source(folder.file("image", image.build(kStream)));
  REQUIRE(source);
  CHECK((*source)->origin() == 92 + image.data_len());
  CHECK((*source)->bytes() == kStream.size());
  CHECK((*(*source)->tail(100) == pattern(4096 + kStream.size() - 100, 100)));
  CHECK((*source)->skip(kStream.size() - 100));
  CHECK(
      (read_out(**source).bytes == pattern(4096 + kStream.size() - 100, 100)));
}

TEST_CASE("a stream behind other bytes is opened by its offset") {
  Folder folder;
  std::string path = folder.file("file", pattern(7, 4096) + kStream).string();
  check_gives_stream(path + ",offset=4096");
  check_gives_stream(path + ",offset=0x1000");
  CHECK((*open_source(path + ",offset=4096"))->origin() == 4096);
  CHECK(open_recording(path + ",offset=4096"));
  CHECK_FALSE(open_source(path + ",offset=10000000"));
  for (const char* wrong : {",offset=", ",offset=4K", ",offset=-1"})
    CHECK_FALSE(open_source(path + wrong));
  // A file may be named so.
  check_gives_stream(folder.file("file,offset=1", kStream));
}

TEST_CASE("a recorded channel keeps its times and its tail") {
  Folder folder;
  auto path = folder.directory / "channel-0.zst";
  auto writer = ChannelWriter::create(path);
  REQUIRE(writer);
  REQUIRE((*writer)->append(kStream, MonoTime{7}));
  REQUIRE((*writer)->close());
  check_gives_stream(path);
  auto source = open_source(path);
  REQUIRE(source);
  CHECK((*source)->bytes() == kStream.size());
  CHECK_FALSE((*source)->chunks().empty());
  CHECK((*source)->tail(100)->size() == 100);
}

TEST_CASE("pieces of a channel are made ready by other threads") {
  Folder folder;
  auto path = folder.directory / "channel-0.zst";
  Bytes stream = pattern(0, 40'000'000);
  auto writer = ChannelWriter::create(path);
  REQUIRE(writer);
  (void)(*writer)->append(stream, MonoTime{7});
  REQUIRE((*writer)->close());
  Bytes stored = testing::read_file(path);
  stored[stored.size() / 2] ^= std::byte{1};
  auto broken = folder.file("broken.zst", stored);
  for (size_t threads : {1, 2, 5}) {
    TaskPool pool(threads);
    auto source = open_source(path);
    REQUIRE(source);
    (*source)->read_ahead(pool);
    auto first = (*source)->next();
    REQUIRE(first);
    auto held = (*source)->keep();
    ReadOut rest = read_out(**source);
    CHECK_FALSE(rest.error);
    CHECK(std::ranges::equal(*first, std::span(stream).first(first->size())));
    CHECK(std::ranges::equal(rest.bytes,
                             std::span(stream).subspan(first->size())));
    // What is before a broken piece is given, and the error stays.
    auto torn = open_source(broken);
    REQUIRE(torn);
    (*torn)->read_ahead(pool);
    ReadOut part = read_out(**torn);
    CHECK(part.error);
    CHECK(part.bytes.size() > 10'000'000);
    CHECK(std::ranges::equal(part.bytes,
                             std::span(stream).first(part.bytes.size())));
    CHECK(read_out(**torn).error);
  }
}

TEST_CASE("pieces of a file are made ready by other threads") {
  Folder folder;
  Bytes stream = pattern(4096, 40'000'000);
  auto path = folder.file("stream", stream);
  constexpr size_t kSkipped = 9'999'999;
  for (size_t threads : {1, 2, 5}) {
    TaskPool pool(threads);
    auto source = open_source(path);
    REQUIRE(source);
    (*source)->read_ahead(pool);
    auto first = (*source)->next();
    REQUIRE(first);
    auto held = (*source)->keep();
    CHECK(held);
    CHECK((*source)->skip(kSkipped));
    ReadOut rest = read_out(**source);
    CHECK_FALSE(rest.error);
    CHECK(std::ranges::equal(*first, std::span(stream).first(first->size())));
    CHECK(std::ranges::equal(
        rest.bytes, std::span(stream).subspan(first->size() + kSkipped)));
    CHECK_FALSE((*source)->skip(1));
  }
}

TEST_CASE("a pipe is looked into before it is read") {
  Folder folder;
  for (const Bytes& bytes :
       {kStream, gzip_packed(kStream), SaveImage{}.build(kStream)}) {
    auto path = folder.directory / "pipe";
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    std::thread writer([&] {
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    });
    check_gives_stream(path);
    writer.join();
    std::filesystem::remove(path);
  }
}

TEST_CASE("a saved state is named behind its image") {
  Folder folder;
  Qcow2Builder builder{.snapshots = {{"a#b", kStream}, {"c", {Bytes(1000)}}}};
  auto path = folder.file("odd#name", builder.build());
  auto named = path;
  named += "#a#b";
  check_gives_stream(named);
  auto recording = open_recording(named);
  REQUIRE(recording);
  REQUIRE(recording->channels.size() == 1);
  check_gives_stream(recording->channels[0].path);
  auto source = open_source(path);
  REQUIRE_FALSE(source);
  CHECK(source.error().kind == ErrorKind::usage);
}

TEST_CASE("a snapshot of what has none is refused") {
  Folder folder;
  auto path = folder.file("stream", kStream);
  path += "#name";
  auto source = open_source(path);
  REQUIRE_FALSE(source);
  CHECK(source.error().kind == ErrorKind::usage);
}
