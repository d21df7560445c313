#include "analyzer/traffic/rtp_header.h"

#include "base/byte_order.h"

namespace migscope::analyzer {

std::optional<uint32_t> static_clock_hz(uint8_t payload_type) {
  switch (payload_type) {
  case 0:  // PCMU
  case 3:  // GSM
  case 4:  // G723
  case 5:  // DVI4
  case 7:  // LPC
  case 8:  // PCMA
  case 9:  // G722, by a mistake that stayed
  case 12: // QCELP
  case 13: // CN
  case 15: // G728
  case 18: // G729
    return 8000;
  case 6: // DVI4
    return 16000;
  case 10: // L16
  case 11:
    return 44100;
  case 16: // DVI4
    return 11025;
  case 17:
    return 22050;
  case 14: // MPA
  case 25: // CelB
  case 26: // JPEG
  case 28: // nv
  case 31: // H261
  case 32: // MPV
  case 33: // MP2T
  case 34: // H263
    return 90000;
  default:
    return std::nullopt;
  }
}

std::optional<RtpHeader> parse_rtp(std::span<const std::byte> payload) {
  if (payload.size() < 12)
    return std::nullopt;
  auto first = load_be<uint8_t>(payload.data());
  uint8_t type = load_be<uint8_t>(payload.data() + 1) & 0x7f;
  bool known = type >= 96 || static_clock_hz(type);
  if (first >> 6 != 2 || !known || payload.size() < 12 + (first & 0xf) * 4u)
    return std::nullopt;
  return RtpHeader{type, load_be<uint16_t>(payload.data() + 2),
                   load_be<uint32_t>(payload.data() + 4),
                   load_be<uint32_t>(payload.data() + 8)};
}

} // namespace migscope::analyzer
