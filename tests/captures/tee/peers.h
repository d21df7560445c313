// Blocking peers on threads of their own, around a tee on the test's loop.
#pragma once

#include "captures/session/channel_reader.h"
#include "captures/tee.h"
#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

namespace migscope::testing {

// A loop that is run until something is so. Wakes up every few milliseconds,
// as what is waited for may happen on other threads.
class Loop {
public:
  Loop() {
    uv_loop_init(&loop_);
    uv_timer_init(&loop_, &timer_);
    uv_unref(reinterpret_cast<uv_handle_t*>(&timer_));
  }
  ~Loop() {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop_) == 0); // nothing was left behind
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  template <typename Condition>
  bool run_until(Condition condition) {
    constexpr int kWakeMs = 2, kPatienceWakes = 15'000;
    int wakes = 0;
    timer_.data = &wakes;
    auto wake = [](uv_timer_t* timer) { ++*static_cast<int*>(timer->data); };
    uv_timer_start(&timer_, wake, kWakeMs, kWakeMs);
    uv_ref(reinterpret_cast<uv_handle_t*>(&timer_));
    while (!condition() && wakes < kPatienceWakes)
      uv_run(&loop_, UV_RUN_ONCE);
    uv_unref(reinterpret_cast<uv_handle_t*>(&timer_));
    uv_timer_stop(&timer_);
    return condition();
  }
  uv_loop_t* get() { return &loop_; }

private:
  uv_loop_t loop_;
  uv_timer_t timer_;
};

class Fd {
public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

inline SocketName name_of(const Address& address) {
  SocketName name;
  if (address.kind == Address::Kind::tcp) {
    auto* in = reinterpret_cast<sockaddr_in*>(&name.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(address.port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.size = sizeof *in;
  } else {
    auto* un = reinterpret_cast<sockaddr_un*>(&name.storage);
    un->sun_family = AF_UNIX;
    address.path.copy(un->sun_path, sizeof un->sun_path - 1);
    name.size = sizeof *un;
  }
  return name;
}

inline Fd listen_on(Address& address, int backlog = 16) {
  SocketName name = name_of(address);
  Fd fd(::socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(fd.get(), name.get(), name.size) == 0);
  REQUIRE(::listen(fd.get(), backlog) == 0);
  if (address.kind == Address::Kind::tcp) {
    REQUIRE(::getsockname(fd.get(), name.get(), &name.size) == 0);
    address.port =
        ntohs(reinterpret_cast<sockaddr_in*>(&name.storage)->sin_port);
  }
  return fd;
}

inline Fd connect_to(const Address& address) {
  SocketName name = name_of(address);
  Fd fd(::socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), name.get(), name.size) != 0)
    fd.reset();
  return fd;
}

inline Fd accept_from(const Fd& listener) {
  return Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

// How much the peer took before it went away.
inline size_t send_all(const Fd& fd, std::span<const std::byte> bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = ::send(fd.get(), bytes.data() + done, bytes.size() - done,
                       MSG_NOSIGNAL);
    if (n <= 0)
      break;
    done += static_cast<size_t>(n);
  }
  return done;
}

// Until the end, an error or `most` bytes.
inline Bytes receive_all(const Fd& fd, size_t most = SIZE_MAX) {
  Bytes out, room(1u << 16);
  while (out.size() < most) {
    ssize_t n = ::recv(fd.get(), room.data(),
                       std::min(room.size(), most - out.size()), 0);
    if (n <= 0)
      break;
    out.insert(out.end(), room.begin(), room.begin() + n);
  }
  return out;
}

// What was sent and the other end has not read yet.
inline int bytes_waiting_of(const Fd& fd) {
  int bytes = 0;
  REQUIRE(::ioctl(fd.get(), SIOCOUTQ, &bytes) == 0);
  return bytes;
}

inline void say_no_more(const Fd& fd) {
  ::shutdown(fd.get(), SHUT_WR);
}

// A tee between two unix sockets, with what it told.
struct TeeFixture {
  TempDir dir;
  Loop loop;
  SystemClock clock;
  Address front = unix_address("front"), back = unix_address("back");
  Fd destination = listen_on(back);
  std::vector<int> opened;
  size_t accepted = 0;
  std::vector<captures::ChannelInfo> closed;
  std::vector<Error> problems;
  std::unique_ptr<captures::Tee> tee;

  Address unix_address(const char* name) const {
    return {Address::Kind::unix_socket, dir / name, {}, 0};
  }

  void start(const std::filesystem::path& session) {
    captures::Tee::Events events;
    events.opened = [this](int number) { opened.push_back(number); };
    events.closed = [this](const auto& info) { closed.push_back(info); };
    events.problem = [this](const Error& e) { problems.push_back(e); };
    auto made = captures::Tee::listen(loop.get(), front, back, session, clock,
                                      std::move(events));
    REQUIRE(made);
    tee = *std::move(made);
    front = tee->address();
  }
  void start() { start(dir.path()); }

  bool run_until_closed(size_t count) {
    return loop.run_until([&] { return closed.size() >= count; });
  }

  // Runs the loop until the tee has left what waits in the source's socket
  // there for 50 wake-ups. Gives false where that does not come.
  bool run_until_held_up(const Fd& source) {
    uint64_t taken = 0;
    int still = 0;
    return loop.run_until([&] {
      auto channels = tee->channels();
      uint64_t now = channels.empty() ? 0 : channels[0].bytes;
      bool left = now > 0 && now == taken && bytes_waiting_of(source) > 0;
      still = left ? still + 1 : 0;
      taken = now;
      return still > 50;
    });
  }

  // Runs the loop until the tee has connected to the destination once more.
  Fd accept_peer() {
    size_t before = accepted++;
    CHECK(loop.run_until([&] { return opened.size() > before; }));
    return accept_from(destination);
  }

  // The bytes in a channel's file, which must be complete.
  Bytes stored(const char* file) const {
    auto reader = captures::ChannelReader::open(dir / file);
    REQUIRE(reader);
    CHECK_FALSE((*reader)->torn());
    Bytes all, piece;
    for (size_t i = 0; i < (*reader)->pieces(); i++) {
      REQUIRE((*reader)->read_piece(i, piece));
      all.insert(all.end(), piece.begin(), piece.end());
    }
    return all;
  }
};

} // namespace migscope::testing
