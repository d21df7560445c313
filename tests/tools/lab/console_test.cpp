#include "tools/lab/console.h"

#include "captures/session/channel_reader.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace migscope;
using migscope::tools::Console;

namespace {

// The guest's side of the FIFO.
class Guest {
public:
  explicit Guest(const std::filesystem::path& fifo)
      : fd_(open(fifo.c_str(), O_WRONLY)) {}
  ~Guest() { close(fd_); }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  void says(std::string_view text) const {
    for (char byte : text) // as QEMU's debugcon does
      REQUIRE(write(fd_, &byte, 1) == 1);
  }

private:
  int fd_;
};

void wait_for(const Console& console, size_t bytes) {
  while (console.bytes() < bytes)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::string stored(const std::filesystem::path& file) {
  auto reader = captures::ChannelReader::open(file);
  REQUIRE(reader);
  CHECK_FALSE((*reader)->torn());
  std::string out;
  std::vector<std::byte> piece;
  for (size_t i = 0; i < (*reader)->pieces(); i++) {
    REQUIRE((*reader)->read_piece(i, piece));
    out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  return out;
}

struct Scene {
  testing::TempDir directory;
  SystemClock clock;
  std::filesystem::path fifo = directory / "console";
  std::filesystem::path file = directory / "guest.log.zst";
  Result<std::unique_ptr<Console>> console = Console::create(fifo, clock);
};

} // namespace

TEST_CASE("what a guest says is stored from its first byte, with times") {
  Scene scene;
  REQUIRE(scene.console);
  Console& console = **scene.console;
  {
    Guest guest(scene.fifo);
    guest.says("a\nREADY x=1\nHB 1");
    wait_for(console, 15);
    CHECK(console.verdict() == "READY x=1");
    MonoTime before = scene.clock.now().mono;
    REQUIRE(console.store(scene.file));
    guest.says(" 1000\n");
    wait_for(console, 21);
    MonoTime after = scene.clock.now().mono;
    guest.says("the last words");
    CHECK(console.finish()); // while the guest is still there
    auto reader = captures::ChannelReader::open(scene.file);
    REQUIRE(reader);
    auto early = captures::arrival_of((*reader)->chunks(), 14);
    auto late = captures::arrival_of((*reader)->chunks(), 20);
    REQUIRE((early && late));
    CHECK(*early < before);
    CHECK((*late >= before && *late <= after));
  }
  CHECK(stored(scene.file) == "a\nREADY x=1\nHB 1 1000\nthe last words");
}

TEST_CASE("a verdict is a whole line") {
  Scene scene;
  REQUIRE(scene.console);
  Guest guest(scene.fifo);
  guest.says("NOT READY\nERROR wor");
  wait_for(**scene.console, 19);
  CHECK((*scene.console)->verdict().empty());
}

TEST_CASE("a console ends where no guest came, was stored, or stopped") {
  Scene never;
  REQUIRE(never.console);
  CHECK((*never.console)->finish());

  Scene gone;
  REQUIRE(gone.console);
  Guest(gone.fifo).says("x");
  wait_for(**gone.console, 1);
  REQUIRE((*gone.console)->store(gone.file));
  CHECK((*gone.console)->finish());
  CHECK(stored(gone.file) == "x");
}

TEST_CASE("a guest that says too much before it is stored waits") {
  Scene scene;
  REQUIRE(scene.console);
  std::string flood(2 << 20, 'x');
  std::thread guest([&] {
    int fd = open(scene.fifo.c_str(), O_WRONLY);
    for (size_t at = 0; at < flood.size();)
      at += static_cast<size_t>(std::max<ssize_t>(
          write(fd, flood.data() + at, flood.size() - at), 0));
    close(fd);
  });
  wait_for(**scene.console, 1 << 20);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK((*scene.console)->bytes() < (1 << 20) + 8192);
  REQUIRE((*scene.console)->store(scene.file));
  guest.join();
  CHECK((*scene.console)->finish());
  CHECK(stored(scene.file) == flood);
}

TEST_CASE("a console that is full and never stored ends all the same") {
  Scene scene;
  REQUIRE(scene.console);
  int fd = open(scene.fifo.c_str(), O_WRONLY | O_NONBLOCK);
  std::string flood(4096, 'x');
  while ((*scene.console)->bytes() < (1 << 20))
    (void)!write(fd, flood.data(), flood.size());
  CHECK((*scene.console)->finish());
  close(fd);
}
