#include "qmp/connection.h"

#include <array>
#include <csignal>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <sys/socket.h>
#include <uv.h>

namespace migscope::qmp {
namespace {

constexpr uint64_t kTickMs = 100;
constexpr unsigned kReadBytes = 64 << 10;

void ignore_sigpipe() {
  struct sigaction action {};
  if (sigaction(SIGPIPE, nullptr, &action) == 0 &&
      !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL) {
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
  }
}

struct Hint {
  int uv_error;
  const char* text;
};

constexpr Hint kUnixHints[] = {
    {UV_ENOENT, "there is no such socket; QEMU makes one with "
                "-qmp unix:PATH,server=on,wait=off"},
    {UV_ECONNREFUSED, "nothing listens there; the QEMU that made the socket "
                      "has ended, or it is no socket"},
    {UV_EACCES, "this user may not open it; try as the user QEMU runs as"},
    {UV_EPERM, "this user may not open it; try as the user QEMU runs as"},
    {UV_EAGAIN, "its queue is full; other clients hold the monitor or wait "
                "for it"},
};

constexpr Hint kTcpHints[] = {
    {UV_ECONNREFUSED, "nothing listens on that port; QEMU does with "
                      "-qmp tcp:HOST:PORT,server=on,wait=off"},
    {UV_EAI_NONAME, "the name of the host is not known"},
    {UV_ETIMEDOUT, "the host does not answer"},
};

std::string hint(Address::Kind kind, int uv_error) {
  auto search = [&](const auto& hints) -> std::string {
    for (const Hint& entry : hints)
      if (entry.uv_error == uv_error)
        return std::string(": ") + entry.text;
    return {};
  };
  return kind == Address::Kind::tcp ? search(kTcpHints) : search(kUnixHints);
}

Error uv_failure(std::string_view action, int uv_error) {
  return {ErrorKind::io, fmt::format("{}: {}", action, uv_strerror(uv_error))};
}

bool peer_is_gone(int uv_error) {
  return uv_error == UV_EPIPE || uv_error == UV_ECONNRESET;
}

} // namespace

struct Connection::Transport : std::enable_shared_from_this<Transport> {
  // What a handle's or request's `data` points to: keeps the transport alive
  // until libuv has let go of it.
  struct Keep {
    std::shared_ptr<Transport> transport;
    std::string bytes; // of a write
  };
  template <typename T>
  struct Held : Keep {
    T uv;
  };

  Transport(uv_loop_t* on_loop, Address to, Clock& with_clock,
            Session::Output output, const SessionTimeouts& timeouts)
      : loop(on_loop), address(std::move(to)), clock(with_clock),
        patience(timeouts.greeting), started(clock.now().mono),
        session(to_string(address), clock, wired(std::move(output)), timeouts) {
  }

  template <typename T>
  T* hold(std::string bytes = {}) {
    auto* held = new Held<T>{{shared_from_this(), std::move(bytes)}, {}};
    held->uv.data = static_cast<Keep*>(held); // libuv's init leaves it alone
    return &held->uv;
  }
  template <typename T>
  static Transport& of(const T* uv) {
    return *static_cast<Keep*>(uv->data)->transport;
  }
  template <typename T>
  static void release(T* uv) {
    delete static_cast<Held<T>*>(static_cast<Keep*>(uv->data));
  }
  template <typename T>
  static void close_handle(T* uv) {
    uv_close(reinterpret_cast<uv_handle_t*>(uv), [](uv_handle_t* handle) {
      release(reinterpret_cast<T*>(handle));
    });
  }

  Session::Output wired(Session::Output output);
  void start();
  void shut();
  void close_socket();
  void tick();
  void connect();
  void connect_unix();
  void look_up();
  void looked_up(int status, addrinfo* found);
  int connect_tcp(const sockaddr_storage& to);
  void try_next(int failure);
  static void on_connect(uv_connect_t* request, int status);
  void connect_ended(int status);
  void read();
  void received(ssize_t count);
  void write(std::string_view bytes);
  static void on_written(uv_write_t* request, int status);
  void cannot_connect(int uv_error);
  uv_stream_t* stream() const;

  uv_loop_t* loop;
  Address address;
  Clock& clock;
  Nanos patience;
  MonoTime started;
  Session session;
  uv_timer_t* timer = nullptr;
  uv_pipe_t* pipe = nullptr; // one of these two once there is a socket
  uv_tcp_t* tcp = nullptr;
  uv_getaddrinfo_t* lookup = nullptr;
  std::deque<sockaddr_storage> candidates; // tcp: addresses not yet tried
  bool connecting = false;
  bool connected = false;
  std::array<char, kReadBytes> buffer;
};

Session::Output Connection::Transport::wired(Session::Output output) {
  output.send = [this](std::string_view bytes) { write(bytes); };
  output.closed = [this, told = std::move(output.closed)](const Error& why) {
    shut();
    if (told)
      told(why);
  };
  return output;
}

// The first tick comes at once and connects, so that even a failure that libuv
// reports on the spot reaches the handlers from the loop.
void Connection::Transport::start() {
  timer = hold<uv_timer_t>();
  uv_timer_init(loop, timer);
  uv_timer_start(
      timer, [](uv_timer_t* uv) { of(uv).tick(); }, 0, kTickMs);
}

void Connection::Transport::shut() {
  close_socket();
  if (lookup)
    uv_cancel(reinterpret_cast<uv_req_t*>(lookup));
  if (timer)
    close_handle(std::exchange(timer, nullptr));
}

void Connection::Transport::close_socket() {
  if (pipe)
    close_handle(std::exchange(pipe, nullptr));
  if (tcp)
    close_handle(std::exchange(tcp, nullptr));
}

uv_stream_t* Connection::Transport::stream() const {
  return pipe ? reinterpret_cast<uv_stream_t*>(pipe)
              : reinterpret_cast<uv_stream_t*>(tcp);
}

void Connection::Transport::tick() {
  if (!std::exchange(connecting, true))
    return connect();
  if (connected)
    return session.tick();
  if (clock.now().mono - started >= patience)
    session.transport_failed(
        {ErrorKind::timeout,
         fmt::format("cannot connect within {:g} s", to_ms(patience) / 1e3)});
}

void Connection::Transport::connect() {
  if (address.kind == Address::Kind::tcp)
    look_up();
  else
    connect_unix();
}

void Connection::Transport::connect_unix() {
  pipe = hold<uv_pipe_t>();
  uv_pipe_init(loop, pipe, 0);
  uv_pipe_connect(hold<uv_connect_t>(), pipe, address.path.c_str(), on_connect);
}

void Connection::Transport::look_up() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  lookup = hold<uv_getaddrinfo_t>();
  int status = uv_getaddrinfo(
      loop, lookup,
      [](uv_getaddrinfo_t* uv, int result, addrinfo* found) {
        of(uv).looked_up(result, found);
        uv_freeaddrinfo(found);
        release(uv);
      },
      address.host.c_str(), fmt::format("{}", address.port).c_str(), &hints);
  if (status != 0) {
    release(std::exchange(lookup, nullptr));
    cannot_connect(status);
  }
}

void Connection::Transport::looked_up(int status, addrinfo* found) {
  lookup = nullptr;
  if (session.closed())
    return;
  if (status != 0)
    return cannot_connect(status);
  for (; found; found = found->ai_next)
    if (found->ai_addrlen <= sizeof(sockaddr_storage))
      std::memcpy(&candidates.emplace_back(), found->ai_addr,
                  found->ai_addrlen);
  try_next(UV_EAI_NONAME);
}

void Connection::Transport::try_next(int failure) {
  while (!candidates.empty()) {
    failure = connect_tcp(candidates.front());
    candidates.pop_front();
    if (failure == 0)
      return;
    close_socket();
  }
  cannot_connect(failure);
}

int Connection::Transport::connect_tcp(const sockaddr_storage& to) {
  tcp = hold<uv_tcp_t>();
  uv_tcp_init(loop, tcp);
  auto* request = hold<uv_connect_t>();
  int status = uv_tcp_connect(
      request, tcp, reinterpret_cast<const sockaddr*>(&to), on_connect);
  if (status != 0)
    release(request);
  return status;
}

void Connection::Transport::on_connect(uv_connect_t* request, int status) {
  of(request).connect_ended(status);
  release(request);
}

void Connection::Transport::connect_ended(int status) {
  if (session.closed())
    return;
  if (status != 0) {
    close_socket();
    return try_next(status);
  }
  connected = true;
  if (tcp)
    uv_tcp_nodelay(tcp, 1);
  read();
}

void Connection::Transport::read() {
  int status = uv_read_start(
      stream(),
      [](uv_handle_t* uv, size_t, uv_buf_t* out) {
        auto& room = of(uv).buffer;
        *out = uv_buf_init(room.data(), kReadBytes);
      },
      [](uv_stream_t* uv, ssize_t count, const uv_buf_t*) {
        of(uv).received(count);
      });
  if (status != 0)
    session.transport_failed(uv_failure("read", status));
}

void Connection::Transport::received(ssize_t count) {
  if (count >= 0)
    session.receive(
        std::as_bytes(std::span(buffer.data(), static_cast<size_t>(count))));
  else if (count == UV_EOF || peer_is_gone(static_cast<int>(count)))
    session.peer_closed();
  else
    session.transport_failed(uv_failure("read", static_cast<int>(count)));
}

void Connection::Transport::write(std::string_view bytes) {
  auto* request = hold<uv_write_t>(std::string(bytes));
  std::string& kept = static_cast<Keep*>(request->data)->bytes;
  uv_buf_t out = uv_buf_init(kept.data(), static_cast<unsigned>(kept.size()));
  int status = uv_write(request, stream(), &out, 1, on_written);
  if (status == 0)
    return;
  release(request);
  session.transport_failed(uv_failure("write", status));
}

void Connection::Transport::on_written(uv_write_t* request, int status) {
  // The reader gets at what a peer that is gone sent before, and ends there.
  if (status < 0 && !peer_is_gone(status))
    of(request).session.transport_failed(uv_failure("write", status));
  release(request);
}

void Connection::Transport::cannot_connect(int uv_error) {
  Error error = uv_failure("cannot connect", uv_error);
  error.message += hint(address.kind, uv_error);
  session.transport_failed(error);
}

Connection::Connection(uv_loop_s* loop, const Address& address, Clock& clock,
                       Session::Output output, SessionTimeouts timeouts)
    : transport_(std::make_shared<Transport>(loop, address, clock,
                                             std::move(output), timeouts)) {
  ignore_sigpipe();
  transport_->start();
}

Connection::~Connection() {
  transport_->session.abandon();
  transport_->shut();
}

Session& Connection::session() {
  return transport_->session;
}

std::optional<int64_t> Connection::peer_pid() const {
  const uv_pipe_t* pipe = transport_->pipe;
  uv_os_fd_t fd = -1;
  if (!pipe || uv_fileno(reinterpret_cast<const uv_handle_t*>(pipe), &fd))
    return {};
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.pid <= 0)
    return {};
  return peer.pid;
}

} // namespace migscope::qmp
