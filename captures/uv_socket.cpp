#include "captures/uv_socket.h"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace migscope::captures {
namespace {

Result<std::vector<Endpoint>> unix_endpoint(const Address& address) {
  // libuv would cut a longer path off.
  if (address.path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(ErrorKind::usage,
                to_string(address) + ": the path is too long");
  return std::vector<Endpoint>{{address.kind, address.path, {}}};
}

} // namespace

void CloseUvSocket::operator()(UvSocket* socket) const {
  uv_close(&socket->handle, [](uv_handle_t* handle) {
    delete reinterpret_cast<UvSocket*>(handle);
  });
}

Error uv_failure(const std::string& action, int uv_error) {
  return {ErrorKind::io, fmt::format("{}: {}", action, uv_strerror(uv_error))};
}

Result<std::vector<Endpoint>> resolve(uv_loop_t* loop, const Address& address) {
  if (address.kind == Address::Kind::unix_socket)
    return unix_endpoint(address);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  uv_getaddrinfo_t request;
  std::string port = std::to_string(address.port);
  // No host is any address to listen at and this host to connect to, as in
  // QEMU's tcp::PORT.
  if (address.host.empty())
    hints.ai_flags |= AI_PASSIVE;
  int error =
      uv_getaddrinfo(loop, &request, nullptr,
                     address.host.empty() ? nullptr : address.host.c_str(),
                     port.c_str(), &hints);
  if (error)
    return fail(uv_failure("look up " + address.host, error));
  std::vector<Endpoint> found;
  for (addrinfo* info = request.addrinfo; info; info = info->ai_next) {
    Endpoint endpoint{address.kind, {}, {}};
    std::memcpy(&endpoint.tcp, info->ai_addr, info->ai_addrlen);
    found.push_back(endpoint);
  }
  uv_freeaddrinfo(request.addrinfo);
  return found;
}

Result<SocketPtr> make_socket(uv_loop_t* loop, Address::Kind kind) {
  auto socket = std::make_unique<UvSocket>();
  int error = kind == Address::Kind::tcp ? uv_tcp_init(loop, &socket->tcp)
                                         : uv_pipe_init(loop, &socket->pipe, 0);
  if (error)
    return fail(uv_failure("make a socket", error));
  return SocketPtr(socket.release());
}

int start_connect(uv_connect_t* request, UvSocket& socket, const Endpoint& to,
                  uv_connect_cb done) {
  if (to.kind == Address::Kind::tcp)
    return uv_tcp_connect(request, &socket.tcp,
                          reinterpret_cast<const sockaddr*>(&to.tcp), done);
  uv_pipe_connect(request, &socket.pipe, to.path.c_str(), done);
  return 0;
}

int bind_socket(UvSocket& socket, const Endpoint& at) {
  if (at.kind == Address::Kind::tcp)
    return uv_tcp_bind(&socket.tcp, reinterpret_cast<const sockaddr*>(&at.tcp),
                       0);
  int error = uv_pipe_bind(&socket.pipe, at.path.c_str());
  // libuv says EACCES where the directory is missing.
  std::error_code ignored;
  auto folder = std::filesystem::absolute(at.path, ignored).parent_path();
  bool missing = !std::filesystem::exists(folder, ignored);
  return error == UV_EACCES && missing ? UV_ENOENT : error;
}

uint16_t bound_port(const UvSocket& socket) {
  sockaddr_storage name{};
  int size = sizeof name;
  if (uv_tcp_getsockname(&socket.tcp, reinterpret_cast<sockaddr*>(&name),
                         &size))
    return 0;
  // sockaddr_in6 has its port in the same place.
  sockaddr_in in{};
  std::memcpy(&in, &name, sizeof in);
  return ntohs(in.sin_port);
}

void send_at_once(UvSocket& socket, Address::Kind kind) {
  if (kind == Address::Kind::tcp)
    uv_tcp_nodelay(&socket.tcp, 1);
}

void ignore_sigpipe() {
  struct sigaction action {};
  if (sigaction(SIGPIPE, nullptr, &action) == 0 &&
      !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL) {
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
  }
}

} // namespace migscope::captures
