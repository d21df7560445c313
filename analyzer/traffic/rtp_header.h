// RTP's fixed header (RFC 3550, 5.1), and the clocks of its payload types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace migscope::analyzer {

struct RtpHeader {
  uint8_t payload_type = 0;
  uint16_t sequence = 0;
  uint32_t timestamp = 0, ssrc = 0;
};

// Nothing where the payload of a datagram cannot be RTP: another version, too
// short, a payload type that RFC 3551 gives to nobody.
[[nodiscard]] std::optional<RtpHeader>
parse_rtp(std::span<const std::byte> payload);

// Of a static payload type (RFC 3551, 6); nothing for a dynamic one.
[[nodiscard]] std::optional<uint32_t> static_clock_hz(uint8_t payload_type);

} // namespace migscope::analyzer
