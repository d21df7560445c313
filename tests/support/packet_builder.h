// Packets and pcap files, byte by byte.
#pragma once

#include "tests/support/bytes.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace migscope::testing {

template <typename T>
void put_be(Bytes& out, T value) {
  for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8)
    out.push_back(
        static_cast<std::byte>(static_cast<uint64_t>(value) >> shift));
}

inline void append(Bytes& out, std::span<const std::byte> more) {
  out.insert(out.end(), more.begin(), more.end());
}

// 10.0.0.`host`.
inline void put_host(Bytes& out, uint8_t host) {
  put_be(out, uint32_t{0x0a000000} + host);
}

struct Ipv4 {
  uint8_t from = 1, to = 2, protocol = 17;
  uint16_t id = 0, fragment = 0;
  std::optional<uint16_t> length = {}; // else the true one
  uint8_t words = 5;                   // of the header
};

inline Bytes ipv4(const Ipv4& ip, std::span<const std::byte> payload) {
  Bytes out;
  put_be(out, static_cast<uint8_t>(0x40 | ip.words));
  put_be(out, uint8_t{0});
  put_be(out, ip.length.value_or(static_cast<uint16_t>(20 + payload.size())));
  put_be(out, ip.id);
  put_be(out, ip.fragment);
  put_be(out, uint8_t{64});
  put_be(out, ip.protocol);
  put_be(out, uint16_t{0});
  put_host(out, ip.from);
  put_host(out, ip.to);
  append(out, payload);
  return out;
}

inline Bytes ethernet(uint16_t type, std::span<const std::byte> payload) {
  Bytes out(12);
  put_be(out, type);
  append(out, payload);
  return out;
}

inline Bytes udp(uint16_t from, uint16_t to,
                 std::span<const std::byte> payload) {
  Bytes out;
  put_be(out, from);
  put_be(out, to);
  put_be(out, static_cast<uint16_t>(8 + payload.size()));
  put_be(out, uint16_t{0});
  append(out, payload);
  return out;
}

inline constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 0x10;

struct Tcp {
  uint16_t from = 1000, to = 2000;
  uint32_t sequence = 0, acknowledgement = 0;
  uint8_t flags = kAck;
  size_t payload = 0;
  uint8_t words = 5;
};

inline Bytes tcp(const Tcp& segment) {
  Bytes out;
  put_be(out, segment.from);
  put_be(out, segment.to);
  put_be(out, segment.sequence);
  put_be(out, segment.acknowledgement);
  put_be(out, static_cast<uint8_t>(segment.words << 4));
  put_be(out, segment.flags);
  out.resize(20 + segment.payload);
  return out;
}

// Of IPv4 or, with `type` 128 and 129, IPv6.
inline Bytes echo(uint8_t type, uint16_t id, uint16_t sequence) {
  Bytes out;
  put_be(out, type);
  put_be(out, uint8_t{0});
  put_be(out, uint16_t{0});
  put_be(out, id);
  put_be(out, sequence);
  return out;
}

inline Bytes rtp(uint16_t sequence, uint32_t timestamp, uint8_t type = 0,
                 uint32_t ssrc = 7) {
  Bytes out;
  put_be(out, uint8_t{0x80});
  put_be(out, type);
  put_be(out, sequence);
  put_be(out, timestamp);
  put_be(out, ssrc);
  out.resize(172);
  return out;
}

// A pcap file with stamps in nanoseconds.
class PcapBuilder {
public:
  explicit PcapBuilder(uint32_t link_type = 1, uint32_t snap = 65535)
      : snap_(snap) {
    put_be(bytes_, uint32_t{0xa1b23c4d});
    put_be(bytes_, uint32_t{0x00020004});
    put_be(bytes_, uint64_t{0});
    put_be(bytes_, snap);
    put_be(bytes_, link_type);
  }

  // `ms`: since kStart.
  PcapBuilder& add(double ms, std::span<const std::byte> frame) {
    auto ns = kStartNs + static_cast<int64_t>(ms * 1e6);
    put_be(bytes_, static_cast<uint32_t>(ns / 1'000'000'000));
    put_be(bytes_, static_cast<uint32_t>(ns % 1'000'000'000));
    auto kept = frame.first(std::min<size_t>(frame.size(), snap_));
    put_be(bytes_, static_cast<uint32_t>(kept.size()));
    put_be(bytes_, static_cast<uint32_t>(frame.size()));
    append(bytes_, kept);
    return *this;
  }
  PcapBuilder& add_ip(double ms, const Ipv4& ip,
                      std::span<const std::byte> payload) {
    return add(ms, ethernet(0x0800, ipv4(ip, payload)));
  }

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

  static constexpr int64_t kStartNs = 1'700'000'000'000'000'000;

private:
  Bytes bytes_;
  uint32_t snap_;
};

} // namespace migscope::testing
