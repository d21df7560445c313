// A Session on a real socket: the libuv transport of the monitor.
//
// Lives on one uv loop and is called from it only. Destroying a Connection
// closes the socket; the loop must run once more for libuv to let go of it.
#pragma once

#include "base/address.h"
#include "qmp/session.h"

struct uv_loop_s;

namespace migscope::qmp {

class Connection {
public:
  // Starts connecting. `output.send` is ignored: the transport is its user.
  Connection(uv_loop_s* loop, const Address& address, Clock& clock,
             Session::Output output, SessionTimeouts timeouts = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Session& session();

private:
  struct Transport; // outlives the Connection until libuv has closed it
  std::shared_ptr<Transport> transport_;
};

} // namespace migscope::qmp
