// Where the IP packet begins in a captured frame.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace migscope::captures {

enum class LinkType {
  ethernet,       // EN10MB, with or without VLAN tags
  linux_cooked,   // LINUX_SLL
  linux_cooked_2, // LINUX_SLL2
  ip,             // RAW, IPV4, IPV6: no header at all
  null,           // NULL: a family in some host's byte order
  loop,           // LOOP: a family in network byte order
};

// What a frame's link header leads to.
struct LinkPayload {
  enum class Kind {
    ip,
    other,     // ARP, LLDP and whatever else
    too_short, // it ends inside of its link header
  };
  Kind kind = Kind::too_short;
  size_t offset = 0; // of the IP packet's first byte, for `ip`
};

// `frame`: as far as it was captured. Formats: tcpdump.org/linktypes.
[[nodiscard]] LinkPayload link_payload(LinkType type,
                                       std::span<const std::byte> frame);

} // namespace migscope::captures
