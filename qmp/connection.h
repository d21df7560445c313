// A Session on a real socket: the libuv transport of the monitor.
//
// Lives on one uv loop and is called from it only. Destroying a Connection
// closes the socket without calling any handler, from inside a handler too; the
// loop must run once more for libuv to let go of it. When the session closes by
// itself, so does the socket.
//
// libuv writes with write(2), so a peer that is gone would raise SIGPIPE (libuv
// 1.44, uv__try_write): the first Connection sets it to be ignored for the
// process, unless the process has a handler of its own.
#pragma once

#include "base/address.h"
#include "qmp/session.h"

struct uv_loop_s;

namespace migscope::qmp {

class Connection {
public:
  // Starts connecting; handlers are only called from the loop, never from here.
  // `output.send` is ignored: the transport is its user. Errors name the
  // address. The greeting's timeout includes the time to connect.
  Connection(uv_loop_s* loop, const Address& address, Clock& clock,
             Session::Output output, SessionTimeouts timeouts = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Session& session();
  // The process that listens at the unix socket, as this host's kernel knows
  // it; nothing of a tcp monitor, before it is connected, and where the process
  // is in a container whose processes are not ours to see. Where somebody else
  // made QEMU's socket for it, that is who is named.
  [[nodiscard]] std::optional<int64_t> peer_pid() const;

private:
  struct Transport; // outlives the Connection until libuv has closed it
  std::shared_ptr<Transport> transport_;
};

} // namespace migscope::qmp
