// What the tee costs: the throughput of a stream through it against the same
// stream sent directly and, where it is installed, through socat, in one run.
// Guest memory is imitated by pages of three kinds, as compression decides what
// storing costs.
#include "captures/buffer_pool.h"
#include "captures/tee.h"
#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <uv.h>

using namespace migscope;

namespace {

constexpr size_t kStreamBytes = 2u << 30;
constexpr size_t kBlockBytes = 32u << 20;
constexpr size_t kSendBytes = 32u << 10; // QEMU's channel buffer, 7.2 to 11.1

sockaddr_un name_of(const std::filesystem::path& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.string().copy(name.sun_path, sizeof name.sun_path - 1);
  return name;
}

int listen_on(const std::filesystem::path& path) {
  sockaddr_un name = name_of(path);
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) ||
      ::listen(fd, 1))
    std::abort();
  return fd;
}

int connect_to(const std::filesystem::path& path) {
  sockaddr_un name = name_of(path);
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  // Who listens there may not have come so far.
  while (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name)) {
    if (errno != ECONNREFUSED)
      std::abort();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return fd;
}

struct Stream {
  testing::Bytes block;        // sent again and again
  double bytes_per_second = 0; // 0: as fast as it goes
};

void send_stream(const std::filesystem::path& to, const Stream& stream) {
  const testing::Bytes& block = stream.block;
  auto start = std::chrono::steady_clock::now();
  int fd = connect_to(to);
  for (size_t sent = 0; sent < kStreamBytes;) {
    size_t at = sent % block.size();
    ssize_t n = ::send(fd, &block[at], std::min(kSendBytes, block.size() - at),
                       MSG_NOSIGNAL);
    if (n <= 0)
      std::abort();
    sent += static_cast<size_t>(n);
    if (stream.bytes_per_second > 0)
      std::this_thread::sleep_until(
          start +
          std::chrono::nanoseconds(static_cast<int64_t>(
              static_cast<double>(sent) / stream.bytes_per_second * 1e9)));
  }
  ::close(fd);
}

void receive_stream(int listener) {
  int fd = ::accept(listener, nullptr, nullptr);
  testing::Bytes room(kSendBytes);
  while (::recv(fd, room.data(), room.size(), 0) > 0) {
  }
  ::close(fd);
}

double seconds_for(const std::filesystem::path& to, int listener,
                   const Stream& stream) {
  auto start = std::chrono::steady_clock::now();
  std::thread sender([&] { send_stream(to, stream); });
  receive_stream(listener);
  sender.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

struct Run {
  double seconds = 0;
  captures::ChannelInfo info;
};

// Stores into `session`; where that is no directory, forwards only.
Run through_tee(const testing::TempDir& dir, int listener,
                const std::filesystem::path& session, const Stream& stream) {
  Run run;
  uv_loop_t loop;
  uv_loop_init(&loop);
  SystemClock clock;
  captures::Tee::Events events;
  std::unique_ptr<captures::Tee> tee;
  events.closed = [&](const captures::ChannelInfo& info) {
    run.info = info;
    tee.reset();
  };
  auto made = captures::Tee::listen(
      &loop, {Address::Kind::unix_socket, dir / "front", {}, 0},
      {Address::Kind::unix_socket, dir / "back", {}, 0}, session, clock,
      std::move(events));
  if (!made)
    std::abort();
  tee = *std::move(made);
  std::thread peers(
      [&] { run.seconds = seconds_for(dir / "front", listener, stream); });
  uv_run(&loop, UV_RUN_DEFAULT);
  peers.join();
  uv_loop_close(&loop);
  return run;
}

// With a buffer as large as the tee's. Nothing where there is no socat.
std::optional<double> through_socat(const testing::TempDir& dir, int listener,
                                    const Stream& stream) {
  std::string size = fmt::format("-b{}", captures::kBufferBytes);
  std::string front = "UNIX-LISTEN:" + (dir / "socat").string();
  std::string back = "UNIX-CONNECT:" + (dir / "back").string();
  std::string name = "socat";
  char* arguments[] = {name.data(), size.data(), front.data(), back.data(),
                       nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, name.c_str(), nullptr, nullptr, arguments,
                     environ) != 0)
    return {};
  while (!std::filesystem::exists(dir / "socat"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  double seconds = seconds_for(dir / "socat", listener, stream);
  ::waitpid(child, nullptr, 0);
  return seconds;
}

void measure(const char* what, const Stream& stream) {
  testing::TempDir dir;
  int listener = listen_on(dir / "back");
  double direct = seconds_for(dir / "back", listener, stream);
  Run forwarded = through_tee(dir, listener, dir / "none", stream);
  Run stored = through_tee(dir, listener, dir.path(), stream);
  auto socat = through_socat(dir, listener, stream);
  double direct_again = seconds_for(dir / "back", listener, stream);
  ::close(listener);
  direct = std::min(direct, direct_again);
  auto file = std::filesystem::file_size(dir / "channel-0.zst");
  fmt::print("{:<16} direct {:6.0f} MB/s   forwarded {:.2f}   stored {:.2f}   "
             "(stalled {:.0f} % of the time, file {:.2f} of the stream)   "
             "socat {}\n",
             what, kStreamBytes / direct / 1e6, direct / forwarded.seconds,
             direct / stored.seconds,
             to_ms(stored.info.stalled) / 10 / stored.seconds,
             static_cast<double>(file) / kStreamBytes,
             socat ? fmt::format("{:.2f}", direct / *socat) : "not at hand");
}

} // namespace

int main() {
  testing::Bytes zero(kBlockBytes), mixed = testing::pattern(0, kBlockBytes);
  testing::Bytes noise(kBlockBytes);
  uint64_t x = 1;
  for (auto& byte : noise) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<std::byte>(x >> 56);
  }
  fmt::print("{} cores; throughput as a share of the direct one\n",
             std::thread::hardware_concurrency());
  constexpr double kTenGigabit = 1.25e9;
  measure("zeros", {zero});
  measure("half noise", {mixed});
  measure("noise", {noise});
  measure("10 Gbit/s", {mixed, kTenGigabit});
  measure("5 Gbit/s", {mixed, kTenGigabit / 2});
  measure("2 Gbit/s", {mixed, kTenGigabit / 5});
}
