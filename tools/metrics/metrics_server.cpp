#include "tools/metrics/metrics_server.h"

#include "captures/uv_socket.h"
#include "tools/metrics/exposition.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace migscope::tools {
namespace {

constexpr unsigned kMostConnections = 32;
constexpr unsigned kMostOfOneAddress = 16;
constexpr unsigned kTimeoutSeconds = 10;
constexpr size_t kMostRequestBytes = 16 * 1024;
// How soon a request is noticed.
constexpr Nanos kLook = std::chrono::milliseconds(20);

class Socket {
public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() {
    if (fd_ >= 0)
      close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_;
};

bool bind_and_listen(const Socket& socket, const sockaddr_storage& at) {
  int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t size =
      at.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size) ==
             0 &&
         ::listen(socket.get(), SOMAXCONN) == 0;
}

// An IPv6 wildcard takes IPv4, too, and is tried first.
Result<Socket> listen_at(EventLoop& loop, const Address& address) {
  auto found = captures::resolve(loop.uv(), address);
  if (!found)
    return fail(found.error());
  std::ranges::stable_sort(*found, {}, [](const captures::Endpoint& at) {
    return at.tcp.ss_family != AF_INET6;
  });
  int error = EADDRNOTAVAIL;
  for (const captures::Endpoint& at : *found) {
    Socket made(socket(at.tcp.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (made.get() >= 0 && bind_and_listen(made, at.tcp))
      return made;
    error = errno;
  }
  return fail({ErrorKind::io,
               fmt::format("listen: {}", std::strerror(error)),
               to_string(address),
               {}});
}

class Server : public MetricsServer {
public:
  explicit Server(std::function<std::string()> text) : text_(std::move(text)) {}
  ~Server() override {
    if (daemon_)
      MHD_stop_daemon(daemon_);
  }

  [[nodiscard]] Status start(EventLoop& loop, Socket socket) {
    daemon_ = MHD_start_daemon(
        MHD_USE_EPOLL, 0, nullptr, nullptr, &Server::answer, this,
        MHD_OPTION_LISTEN_SOCKET, socket.get(), MHD_OPTION_CONNECTION_LIMIT,
        kMostConnections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, kMostOfOneAddress,
        MHD_OPTION_CONNECTION_TIMEOUT, kTimeoutSeconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMostRequestBytes,
        // It would write to standard error.
        MHD_OPTION_EXTERNAL_LOGGER, &Server::say_nothing, nullptr,
        MHD_OPTION_END);
    if (!daemon_)
      return fail({ErrorKind::io, "the metrics' server does not start"});
    socket.release();
    looking_ = loop.every(kLook, [this] { MHD_run(daemon_); });
    return {};
  }

private:
  static void say_nothing(void*, const char*, va_list) {}

  static MHD_Result send(MHD_Connection* connection, unsigned status,
                         const std::string& body, const char* type) {
    MHD_Response* response = MHD_create_response_from_buffer(
        body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_MUST_COPY);
    if (!response)
      return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
      MHD_add_response_header(response, "Allow", "GET, HEAD");
    MHD_Result sent = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return sent;
  }

  static MHD_Result answer(void* self, MHD_Connection* connection,
                           const char* path, const char* method, const char*,
                           const char*, size_t* body, void**) {
    *body = 0; // what comes with a request is not looked at
    constexpr const char* kPlain = "text/plain; charset=utf-8";
    if (std::strcmp(method, "GET") != 0 && std::strcmp(method, "HEAD") != 0)
      return send(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                  "only GET and HEAD\n", kPlain);
    if (std::strcmp(path, "/metrics") != 0)
      return send(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n", kPlain);
    return send(connection, MHD_HTTP_OK, static_cast<Server*>(self)->text_(),
                kExpositionType);
  }

  std::function<std::string()> text_;
  MHD_Daemon* daemon_ = nullptr;
  std::unique_ptr<EventLoop::Timer> looking_;
};

} // namespace

Result<std::unique_ptr<MetricsServer>>
MetricsServer::listen(EventLoop& loop, const Address& address,
                      std::function<std::string()> text) {
  if (address.kind != Address::Kind::tcp)
    return fail(Error{ErrorKind::usage,
                      "expected tcp:HOST:PORT, as Prometheus scrapes over TCP",
                      to_string(address),
                      {}});
  auto socket = listen_at(loop, address);
  if (!socket)
    return fail(socket.error());
  auto server = std::make_unique<Server>(std::move(text));
  if (Status started = server->start(loop, std::move(*socket)); !started)
    return fail(started.error());
  return server;
}

} // namespace migscope::tools
