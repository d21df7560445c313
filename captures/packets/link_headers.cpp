#include "captures/packets/link_headers.h"

#include "base/byte_order.h"

namespace migscope::captures {
namespace {

using Kind = LinkPayload::Kind;

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr int kMostTags = 4; // two are usual where providers tag, too

bool is_vlan(uint16_t type) {
  return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

// `type_at`: of the EtherType; the payload is at `offset`.
LinkPayload tagged(std::span<const std::byte> frame, size_t type_at,
                   size_t offset) {
  for (int tags = 0; tags <= kMostTags; ++tags) {
    if (frame.size() < offset || frame.size() < type_at + 2)
      return {Kind::too_short, 0};
    auto type = load_be<uint16_t>(frame.data() + type_at);
    if (type == kIpv4 || type == kIpv6)
      return {Kind::ip, offset};
    if (!is_vlan(type))
      break;
    type_at = offset + 2; // behind the tag
    offset += 4;
  }
  return {Kind::other, 0};
}

// Those of IPv6 differ: Linux, NetBSD, FreeBSD, macOS.
bool is_ip_family(uint32_t family) {
  return family == 2 || family == 10 || family == 24 || family == 28 ||
         family == 30;
}

LinkPayload after_family(LinkType type, std::span<const std::byte> frame) {
  if (frame.size() < 4)
    return {Kind::too_short, 0};
  auto big = load_be<uint32_t>(frame.data());
  auto little = load_le<uint32_t>(frame.data());
  bool ip =
      is_ip_family(big) || (type == LinkType::null && is_ip_family(little));
  return {ip ? Kind::ip : Kind::other, 4};
}

} // namespace

LinkPayload link_payload(LinkType type, std::span<const std::byte> frame) {
  switch (type) {
  case LinkType::ethernet:
    return tagged(frame, 12, 14);
  case LinkType::linux_cooked:
    return tagged(frame, 14, 16);
  case LinkType::linux_cooked_2:
    return tagged(frame, 0, 20);
  case LinkType::ip:
    return {Kind::ip, 0};
  case LinkType::null:
  case LinkType::loop:
    return after_family(type, frame);
  }
  return {};
}

} // namespace migscope::captures
