// Whom a probe asks: a guest's kernel (ICMP echo), or a UDP echo service.
#pragma once

#include "base/error.h"

#include <string>
#include <sys/socket.h>

namespace migscope::captures {

struct ProbeTarget {
  enum class Kind { icmp, udp };
  Kind kind = Kind::icmp;
  std::string host;  // name, IPv4, or IPv6 without brackets
  uint16_t port = 0; // udp
};

// icmp:HOST or a bare HOST; udp:HOST:PORT or HOST:PORT. Fails with kind usage.
[[nodiscard]] Result<ProbeTarget> parse_probe_target(const std::string& text);
// With its scheme; IPv6 in brackets.
[[nodiscard]] std::string to_string(const ProbeTarget& target);

struct SocketAddress {
  sockaddr_storage address{};
  socklen_t length = 0;
};

// Looks a host's name up, for which it waits; the first address of it.
[[nodiscard]] Result<SocketAddress> look_up(const ProbeTarget& target);

} // namespace migscope::captures
