// Where a peer listens: unix:PATH, tcp:HOST:PORT, HOST:PORT or a bare path.
#pragma once

#include "base/error.h"

#include <string>
#include <string_view>

namespace migscope {

struct Address {
  enum class Kind { unix_socket, tcp };
  Kind kind = Kind::unix_socket;
  std::string path;  // unix_socket
  std::string host;  // tcp: name, IPv4, or IPv6 without brackets
  uint16_t port = 0; // tcp
};

// IPv6 hosts stand in brackets: tcp:[::1]:4444. A text with a '/' and no
// scheme is a path. Fails with kind usage, naming what was expected.
[[nodiscard]] Result<Address> parse_address(std::string_view text);

// The form that parse_address takes, scheme included. It is also the form of
// QEMU's migration URI.
[[nodiscard]] std::string to_string(const Address& address);

// True where the peer is certainly on this host: a unix socket or a loopback
// address. False means "not known to be".
[[nodiscard]] bool is_local(const Address& address);

} // namespace migscope
