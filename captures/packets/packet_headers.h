// The headers of a captured packet, from IP to TCP, UDP or an ICMP echo. The
// bytes may be hostile, and may be cut off by the capture's snap length.
#pragma once

#include "captures/packets/link_headers.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace migscope::captures {

struct IpAddress {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{}; // the first four of IPv4

  auto operator<=>(const IpAddress&) const = default;
};

[[nodiscard]] std::string to_string(const IpAddress& address);

struct TcpHeader {
  uint16_t source_port = 0, destination_port = 0;
  uint32_t sequence = 0, acknowledgement = 0;
  bool fin = false, syn = false, rst = false, ack = false;
  uint32_t payload_bytes = 0; // by IP's length, be they captured or not
};

struct UdpHeader {
  uint16_t source_port = 0, destination_port = 0;
  std::span<const std::byte> payload; // as far as it was captured
};

// Echo of ICMP or ICMPv6.
struct EchoHeader {
  bool reply = false;
  uint16_t id = 0, sequence = 0;
};

struct PacketHeaders {
  IpAddress source, destination;
  uint8_t protocol = 0;               // IP's number of what is in it
  uint32_t ip_bytes = 0;              // IP's header and all behind it
  std::optional<uint16_t> ip_id = {}; // IPv4
  bool fragment = false;              // one of several
  // monostate: another protocol.
  std::variant<std::monostate, TcpHeader, UdpHeader, EchoHeader> transport = {};
};

enum class Decoded {
  whole,
  later_fragment, // of IP: there are no ports in it
  not_ip,
  cut,     // the capture ends before the headers do
  damaged, // it cannot be what it claims to be
};

// Sets `headers` up to where it could be decoded; all of it where that is
// `whole`, but for `transport` where that is `later_fragment`.
// `original_bytes`: of the frame on the wire; only told where IP has no length,
// as in frames that Linux captures before they are segmented.
[[nodiscard]] Decoded decode(LinkType type, std::span<const std::byte> frame,
                             uint32_t original_bytes, PacketHeaders& headers);

} // namespace migscope::captures
