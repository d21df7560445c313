#include "captures/log_follower.h"

#include "captures/session/channel_reader.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace migscope;
using namespace migscope::captures;

namespace fs = std::filesystem;

namespace {

constexpr Nanos kStep = std::chrono::milliseconds(2);

void append(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

struct Following {
  testing::TempDir dir;
  fs::path log = dir / "qemu.log", kept = dir / "qemu-source.log.zst";
  MonoTime now{1'000'000'000};
  std::vector<std::string> notices;
  std::unique_ptr<LogFollower> follower;

  void start() {
    auto opened = LogFollower::open(
        log, [this](std::string text) { notices.push_back(std::move(text)); });
    REQUIRE(opened);
    follower = *std::move(opened);
    follower->start(kept);
  }
  void poll() {
    now = now + kStep;
    follower->poll(now);
  }
  // What is stored in the end.
  std::string stored() {
    follower->close();
    CHECK_FALSE(follower->failure());
    auto reader = ChannelReader::open(kept);
    REQUIRE(reader);
    CHECK_FALSE((*reader)->torn());
    std::string all;
    std::vector<std::byte> piece;
    for (size_t i = 0; i < (*reader)->pieces(); ++i) {
      REQUIRE((*reader)->read_piece(i, piece));
      all.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
    return all;
  }
  [[nodiscard]] bool noticed(std::string_view text) const {
    return !notices.empty() && notices.back().find(text) != std::string::npos;
  }
};

} // namespace

TEST_CASE("a file is followed from its end on, with times") {
  Following f;
  append(f.log, "before\n");
  f.start();
  f.poll();
  append(f.log, "one\n");
  f.poll();
  f.poll();
  append(f.log, "two\n");
  f.poll();
  CHECK(f.stored() == "one\ntwo\n");
  CHECK(f.follower->bytes() == 8);
  CHECK(f.notices.empty());
  auto chunks = (*ChannelReader::open(f.kept))->chunks();
  REQUIRE(chunks.size() == 2);
  CHECK(chunks[1].arrival - chunks[0].arrival == 2 * kStep);
}

TEST_CASE("more than one poll takes is taken by the next ones") {
  Following f;
  append(f.log, "");
  f.start();
  const std::string text(5'000'000, 'x');
  append(f.log, text);
  for (int i = 0; i < 2000 && f.follower->bytes() < text.size(); ++i)
    f.poll();
  CHECK((f.stored() == text));
}

TEST_CASE("a file that is truncated is followed from its beginning") {
  Following f;
  append(f.log, "long before\n");
  f.start();
  append(f.log, "one\n");
  f.poll();
  fs::resize_file(f.log, 0);
  append(f.log, "two\n");
  f.poll();
  CHECK(f.noticed("truncated"));
  f.poll();
  CHECK(f.stored() == "one\ntwo\n");
  CHECK(f.notices.size() == 1);
}

TEST_CASE("a file that is replaced is followed, and the old one, too") {
  Following f;
  append(f.log, "before\n");
  f.start();
  fs::rename(f.log, f.dir / "qemu.log.1");
  f.poll(); // there is none
  append(f.dir / "qemu.log.1", "to the old\n");
  append(f.log, "to the new\n");
  f.poll();
  CHECK(f.noticed("another file"));
  f.poll();
  append(f.dir / "qemu.log.1", "again\n");
  f.poll();
  CHECK(f.stored() == "to the old\nto the new\nagain\n");
  CHECK(f.notices.size() == 1);
}

TEST_CASE("a FIFO is read, through writers that come and go") {
  Following f;
  REQUIRE(::mkfifo(f.log.c_str(), 0600) == 0);
  f.start();
  f.poll(); // nobody writes yet
  for (const char* text : {"one\n", "two\n"}) {
    int fd = ::open(f.log.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    f.poll();
    CHECK(::write(fd, text, 4) == 4);
    f.poll();
    ::close(fd);
    f.poll();
  }
  CHECK(f.stored() == "one\ntwo\n");
  CHECK(f.notices.empty());
}

TEST_CASE("what is no log is refused") {
  testing::TempDir dir;
  auto none = LogFollower::open(dir / "none", nullptr);
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::io);
  for (const char* path : {"/dev/zero", "/"}) {
    auto other = LogFollower::open(path, nullptr);
    REQUIRE_FALSE(other);
    CHECK(other.error().kind == ErrorKind::usage);
  }
}

TEST_CASE("storage that fails is told, and the log is still taken in") {
  Following f;
  append(f.log, "");
  append(f.kept, "in the way");
  f.start();
  append(f.log, "one\n");
  f.poll();
  f.follower->close();
  CHECK(f.follower->failure());
}
