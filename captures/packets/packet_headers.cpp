#include "captures/packets/packet_headers.h"

#include "base/byte_order.h"

#include <algorithm>
#include <arpa/inet.h>

namespace migscope::captures {
namespace {

// Numbers of IANA, "Assigned Internet Protocol Numbers".
constexpr uint8_t kHopByHop = 0, kIcmp = 1, kTcp = 6, kUdp = 17, kRouting = 43,
                  kFragment = 44, kAuthentication = 51, kIcmp6 = 58,
                  kOptions = 60, kMobility = 135;
constexpr int kMostExtensions = 16;

IpAddress address_at(const std::byte* at, bool v6) {
  IpAddress out{v6, {}};
  std::memcpy(out.bytes.data(), at, v6 ? 16 : 4);
  return out;
}

class Decoder {
public:
  Decoder(std::span<const std::byte> frame, uint32_t original_bytes,
          PacketHeaders& headers)
      : frame_(frame), original_(original_bytes), out_(headers) {}

  Decoded run(LinkType type) {
    LinkPayload link = link_payload(type, frame_);
    if (link.kind == LinkPayload::Kind::other)
      return Decoded::not_ip;
    if (link.kind == LinkPayload::Kind::too_short)
      return too_short();
    ip_ = at_ = link.offset;
    if (!has(1))
      return too_short();
    auto version = load_be<uint8_t>(here()) >> 4;
    return version == 4 ? ipv4() : version == 6 ? ipv6() : Decoded::damaged;
  }

private:
  [[nodiscard]] bool has(size_t bytes) const {
    return frame_.size() - at_ >= bytes;
  }
  [[nodiscard]] const std::byte* here() const { return frame_.data() + at_; }
  [[nodiscard]] uint8_t u8(size_t offset) const {
    return load_be<uint8_t>(here() + offset);
  }
  [[nodiscard]] uint16_t u16(size_t offset) const {
    return load_be<uint16_t>(here() + offset);
  }
  [[nodiscard]] Decoded too_short() const {
    return frame_.size() < original_ ? Decoded::cut : Decoded::damaged;
  }

  // Moves on; false where that is not captured.
  bool skip(size_t bytes) {
    if (!has(bytes))
      return false;
    at_ += bytes;
    return true;
  }

  // Of a frame whose IP header has no length.
  [[nodiscard]] uint32_t rest_of_frame() const {
    return static_cast<uint32_t>(
        original_ > ip_ ? std::min<size_t>(original_ - ip_, 1u << 30) : 0);
  }

  Decoded ipv4() {
    if (!has(20))
      return too_short();
    size_t header = (u8(0) & 0xf) * size_t{4};
    uint32_t length = u16(2);
    out_.ip_bytes = length ? length : rest_of_frame();
    if (header < 20 || out_.ip_bytes < header)
      return Decoded::damaged;
    out_.ip_id = u16(4);
    uint16_t fragment = u16(6);
    out_.fragment = fragment & 0x3fff; // more of them, or an offset
    out_.protocol = u8(9);
    out_.source = address_at(here() + 12, false);
    out_.destination = address_at(here() + 16, false);
    if (!skip(header))
      return too_short();
    return fragment & 0x1fff ? Decoded::later_fragment : transport();
  }

  Decoded ipv6() {
    if (!has(40))
      return too_short();
    uint32_t length = u16(4);
    out_.ip_bytes = length ? 40 + length : rest_of_frame();
    out_.protocol = u8(6);
    out_.source = address_at(here() + 8, true);
    out_.destination = address_at(here() + 24, true);
    at_ += 40;
    for (int i = 0; i < kMostExtensions; ++i) {
      auto end = extension();
      if (end)
        return *end;
    }
    return Decoded::damaged;
  }

  // Passes one extension header; something where it was the last header.
  std::optional<Decoded> extension() {
    switch (out_.protocol) {
    case kHopByHop:
    case kRouting:
    case kOptions:
    case kMobility:
      return pass_extension(8, 8);
    case kAuthentication:
      return pass_extension(8, 4);
    case kFragment:
      return pass_fragment();
    default:
      return transport();
    }
  }

  std::optional<Decoded> pass_extension(size_t fixed, size_t unit) {
    if (!has(2))
      return too_short();
    uint8_t next = u8(0);
    if (!skip(fixed + u8(1) * unit))
      return too_short();
    out_.protocol = next;
    return std::nullopt;
  }

  std::optional<Decoded> pass_fragment() {
    if (!has(8))
      return too_short();
    uint16_t fragment = u16(2);
    out_.fragment = fragment & 0xfff9; // not one that stands alone
    out_.protocol = u8(0);
    at_ += 8;
    if (fragment & 0xfff8)
      return Decoded::later_fragment;
    return std::nullopt;
  }

  // Of IP's length, what is behind the headers so far.
  [[nodiscard]] std::optional<uint32_t> left() const {
    size_t headers = at_ - ip_;
    if (headers > out_.ip_bytes)
      return std::nullopt;
    return static_cast<uint32_t>(out_.ip_bytes - headers);
  }

  Decoded transport() {
    switch (out_.protocol) {
    case kTcp:
      return tcp();
    case kUdp:
      return udp();
    case kIcmp:
      return echo(8, 0);
    case kIcmp6:
      return echo(128, 129);
    default:
      return left() ? Decoded::whole : Decoded::damaged;
    }
  }

  Decoded tcp() {
    auto bytes = left();
    if (!bytes || *bytes < 20)
      return Decoded::damaged;
    if (!has(20))
      return too_short();
    uint32_t header = (u8(12) >> 4) * 4u;
    if (header < 20 || header > *bytes)
      return Decoded::damaged;
    uint8_t flags = u8(13);
    out_.transport = TcpHeader{.source_port = u16(0),
                               .destination_port = u16(2),
                               .sequence = load_be<uint32_t>(here() + 4),
                               .acknowledgement = load_be<uint32_t>(here() + 8),
                               .fin = (flags & 1) != 0,
                               .syn = (flags & 2) != 0,
                               .rst = (flags & 4) != 0,
                               .ack = (flags & 0x10) != 0,
                               .payload_bytes = *bytes - header};
    return Decoded::whole;
  }

  Decoded udp() {
    auto bytes = left();
    if (!bytes || *bytes < 8)
      return Decoded::damaged;
    if (!has(8))
      return too_short();
    // Behind the datagram Ethernet may have padding.
    auto payload = frame_.subspan(at_ + 8);
    payload = payload.first(std::min<size_t>(payload.size(), *bytes - 8));
    out_.transport = UdpHeader{u16(0), u16(2), payload};
    return Decoded::whole;
  }

  Decoded echo(uint8_t request, uint8_t reply) {
    auto bytes = left();
    if (!bytes)
      return Decoded::damaged;
    if (!has(1) || (has(1) && (u8(0) == request || u8(0) == reply) && !has(8)))
      return too_short();
    if (*bytes < 8 || (u8(0) != request && u8(0) != reply))
      return Decoded::whole; // other messages
    out_.transport = EchoHeader{u8(0) == reply, u16(4), u16(6)};
    return Decoded::whole;
  }

  std::span<const std::byte> frame_;
  uint32_t original_;
  PacketHeaders& out_;
  size_t ip_ = 0, at_ = 0;
};

} // namespace

std::string to_string(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text,
            sizeof text);
  return text;
}

Decoded decode(LinkType type, std::span<const std::byte> frame,
               uint32_t original_bytes, PacketHeaders& headers) {
  headers = {};
  return Decoder(frame, original_bytes, headers).run(type);
}

} // namespace migscope::captures
