// What the kernel says of a connected socket.
#pragma once

#include "base/address.h"
#include "captures/session/flow_log.h"

namespace migscope::captures {

// Which of the socket's two queues is of interest.
enum class Queue { received, sent };

// What the kernel does not tell is left out.
[[nodiscard]] SocketState socket_state(int fd, Address::Kind kind, Queue queue);

} // namespace migscope::captures
