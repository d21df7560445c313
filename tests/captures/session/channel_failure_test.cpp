#include "tests/captures/session/channel_files.h"
#include "tests/support/temp_dir.h"

#include <csignal>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace migscope;
using namespace migscope::captures;
using testing::TempDir;

namespace {

// Runs `body` in a child; its result is the exit status.
template <typename Body>
pid_t in_child(Body body) {
  pid_t pid = ::fork();
  if (pid == 0)
    ::_exit(body());
  REQUIRE(pid > 0);
  return pid;
}

int status_of(pid_t pid) {
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status;
}

void limit_file_size(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

// Waits until the file has this many bytes; false after ten seconds.
bool grows_to(const std::filesystem::path& path, uint64_t bytes) {
  for (int i = 0; i < 1000; i++) {
    std::error_code missing;
    auto size = std::filesystem::file_size(path, missing);
    if (!missing && size >= bytes)
      return true;
    ::poll(nullptr, 0, 10);
  }
  return false;
}

// What a writer on a disk with room for 3 MiB must do.
bool fills_disk(const std::filesystem::path& path) {
  limit_file_size(3u << 20);
  auto writer = ChannelWriter::create(path);
  if (!writer)
    return false;
  uint64_t offset = 0;
  while (offset < (200u << 20)) {
    if ((*writer)->failure())
      break;
    // Whether the queue has room does not matter: memory is the test's own.
    (void)(*writer)->append(testing::pattern(offset, 1u << 18), kStart);
    offset += 1u << 18;
  }
  for (int i = 0; i < 100; i++) // dropped, and never "wait"
    if (!(*writer)->append(testing::pattern(0, 1u << 20), kStart))
      return false;
  auto closed = (*writer)->close();
  return !closed && closed.error().kind == ErrorKind::io &&
         (*writer)->stored_bytes() < offset &&
         (*writer)->stored_bytes() >= 2 * kFrameBytes;
}

} // namespace

TEST_CASE("a full disk: kept as the failure, and the file stays readable") {
  TempDir dir;
  auto path = dir / "c.zst";
  CHECK(status_of(in_child([&] { return fills_disk(path) ? 0 : 1; })) == 0);
  auto reader = ChannelReader::open(path);
  REQUIRE(reader);
  CHECK((*reader)->bytes() >= 2 * kFrameBytes);
  CHECK((*reader)->bytes() % kFrameBytes == 0); // truncated to whole frames
  REQUIRE((*reader)->torn());
  CHECK((*reader)->torn()->offset == std::filesystem::file_size(path));
  CHECK(read_channel(**reader).bytes.size() == (*reader)->bytes());
}

TEST_CASE("no room for the first byte") {
  TempDir dir;
  auto path = dir / "c.zst";
  pid_t child = in_child([&] {
    limit_file_size(0);
    auto writer = ChannelWriter::create(path);
    (void)(*writer)->append(testing::pattern(0, 10), kStart);
    return (*writer)->close() ? 1 : 0;
  });
  CHECK(status_of(child) == 0);
  auto reader = ChannelReader::open(path);
  REQUIRE(reader);
  CHECK((*reader)->bytes() == 0);
}

TEST_CASE("kill -9 in the middle of writing") {
  TempDir dir;
  auto path = dir / "c.zst";
  pid_t child = in_child([&] {
    auto writer = ChannelWriter::create(path);
    for (uint64_t offset = 0;; offset += 10'000) {
      while (!(*writer)->can_take_more())
        ::poll(nullptr, 0, 1);
      (void)(*writer)->append(testing::pattern(offset, 10'000), kStart);
    }
    return 0;
  });
  bool grew = grows_to(path, 5u << 20);
  ::kill(child, SIGKILL);
  CHECK(WTERMSIG(status_of(child)) == SIGKILL);
  REQUIRE(grew);
  auto reader = ChannelReader::open(path);
  REQUIRE(reader);
  CHECK((*reader)->bytes() >= (5u << 20));
  CHECK((*reader)->torn());
  CHECK(read_channel(**reader).bytes.size() == (*reader)->bytes());
}

TEST_CASE("a few bytes on an idle channel reach the disk by themselves") {
  TempDir dir;
  auto path = dir / "c.zst";
  pid_t child = in_child([&] {
    auto writer = ChannelWriter::create(path);
    (void)(*writer)->append(testing::pattern(0, 10), kStart);
    for (;;)
      ::pause();
    return 0;
  });
  bool grew = grows_to(path, 1);
  ::kill(child, SIGKILL);
  CHECK(WTERMSIG(status_of(child)) == SIGKILL);
  REQUIRE(grew);
  auto reader = ChannelReader::open(path);
  REQUIRE(reader);
  CHECK((*reader)->bytes() == 10);
  CHECK((*reader)->torn());
}
