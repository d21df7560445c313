// Stream sockets of either kind on a libuv loop.
#pragma once

#include "base/address.h"

#include <memory>
#include <uv.h>
#include <vector>

namespace migscope::captures {

struct UvSocket {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
};

// Closes at once, frees when libuv has let go. No read callback comes after.
struct CloseUvSocket {
  void operator()(UvSocket* socket) const;
};
using SocketPtr = std::unique_ptr<UvSocket, CloseUvSocket>;

// An address as the kernel takes it.
struct Endpoint {
  Address::Kind kind = Address::Kind::unix_socket;
  std::string path;
  sockaddr_storage tcp{};
};

[[nodiscard]] Error uv_failure(const std::string& action, int uv_error);

// Looks a host's name up, for which it waits. At least one, best first.
[[nodiscard]] Result<std::vector<Endpoint>> resolve(uv_loop_t* loop,
                                                    const Address& address);

// Not yet connected or bound. Fails only where memory or descriptors do.
[[nodiscard]] Result<SocketPtr> make_socket(uv_loop_t* loop,
                                            Address::Kind kind);

// Returns 0 or libuv's error, as do libuv's own functions.
[[nodiscard]] int start_connect(uv_connect_t* request, UvSocket& socket,
                                const Endpoint& to, uv_connect_cb done);
[[nodiscard]] int bind_socket(UvSocket& socket, const Endpoint& at);
// The port that a bound tcp socket has.
[[nodiscard]] uint16_t bound_port(const UvSocket& socket);

// A connection sends what it is given at once (TCP_NODELAY).
void send_at_once(UvSocket& socket, Address::Kind kind);

// A write to a closed socket must be an error, not the end of the process.
// Leaves a handler that somebody has set.
void ignore_sigpipe();

} // namespace migscope::captures
