#include "captures/packets/packet_headers.h"
#include "tests/support/packet_builder.h"

#include <doctest/doctest.h>

using namespace migscope::captures;
using namespace migscope::testing;

namespace {

struct Result {
  Decoded decoded;
  PacketHeaders headers;
};

Result decoded(const Bytes& packet, size_t original = 0) {
  Result out{};
  out.decoded = decode(LinkType::ip, packet,
                       static_cast<uint32_t>(std::max(original, packet.size())),
                       out.headers);
  return out;
}

// `chain`: next headers and what they stand in front of.
Bytes ipv6(uint8_t next, const Bytes& payload,
           std::optional<uint16_t> length = {}) {
  Bytes out;
  put_be(out, uint32_t{0x60000000});
  put_be(out, length.value_or(static_cast<uint16_t>(payload.size())));
  put_be(out, next);
  put_be(out, uint8_t{64});
  for (uint64_t host : {1, 2}) {
    put_be(out, uint64_t{0x20010db800000000});
    put_be(out, host);
  }
  append(out, payload);
  return out;
}

} // namespace

TEST_CASE("a TCP segment") {
  auto packet = ipv4({.protocol = 6, .id = 77}, tcp({.from = 80,
                                                     .to = 4000,
                                                     .sequence = 0xfffffff0,
                                                     .acknowledgement = 5,
                                                     .flags = kAck | kFin,
                                                     .payload = 100}));
  auto [how, headers] = decoded(packet);
  CHECK(how == Decoded::whole);
  CHECK(to_string(headers.source) == "10.0.0.1");
  CHECK(to_string(headers.destination) == "10.0.0.2");
  CHECK(headers.ip_bytes == 140);
  CHECK(headers.ip_id == 77);
  const auto& segment = std::get<TcpHeader>(headers.transport);
  CHECK(segment.source_port == 80);
  CHECK(segment.destination_port == 4000);
  CHECK(segment.sequence == 0xfffffff0);
  CHECK(segment.acknowledgement == 5);
  CHECK(segment.payload_bytes == 100);
  CHECK((segment.ack && segment.fin && !segment.syn && !segment.rst));
}

TEST_CASE("the payload is counted by IP's length, not by what was captured") {
  auto packet = ipv4({.protocol = 6}, tcp({.payload = 1000}));
  size_t whole = packet.size();
  packet.resize(40);
  auto [how, headers] = decoded(packet, whole);
  CHECK(how == Decoded::whole);
  CHECK(std::get<TcpHeader>(headers.transport).payload_bytes == 1000);
  // Ethernet pads small frames.
  auto padded = ipv4({.protocol = 6, .length = 40}, tcp({.payload = 6}));
  CHECK(std::get<TcpHeader>(decoded(padded).headers.transport).payload_bytes ==
        0);
}

TEST_CASE("a frame that is captured before it is segmented has no length") {
  auto packet = ipv4({.protocol = 6, .length = 0}, tcp({.payload = 3000}));
  auto [how, headers] = decoded(packet);
  CHECK(how == Decoded::whole);
  CHECK(headers.ip_bytes == 3040);
  CHECK(std::get<TcpHeader>(headers.transport).payload_bytes == 3000);
}

TEST_CASE("a datagram's payload ends with IP's length") {
  auto packet = ipv4({.length = 31}, udp(1, 2, Bytes(20)));
  CHECK(std::get<UdpHeader>(decoded(packet).headers.transport).payload.size() ==
        3);
}

TEST_CASE("fragments") {
  auto first = decoded(ipv4({.fragment = 0x2000}, udp(1, 2, Bytes(20))));
  CHECK(first.decoded == Decoded::whole);
  CHECK(first.headers.fragment);
  CHECK(std::holds_alternative<UdpHeader>(first.headers.transport));
  auto later = decoded(ipv4({.fragment = 0x0010}, udp(1, 2, Bytes(20))));
  CHECK(later.decoded == Decoded::later_fragment);
  CHECK(std::holds_alternative<std::monostate>(later.headers.transport));
  // "Do not fragment" is none.
  CHECK_FALSE(
      decoded(ipv4({.fragment = 0x4000}, udp(1, 2, {}))).headers.fragment);
}

TEST_CASE("IPv6 with headers between") {
  Bytes options(8), routing(8), fragment(8);
  options[0] = std::byte{43};
  routing[0] = std::byte{44};
  fragment[0] = std::byte{17};
  Bytes chain = options;
  append(chain, routing);
  append(chain, fragment);
  append(chain, udp(5, 6, Bytes(4)));
  auto [how, headers] = decoded(ipv6(0, chain));
  CHECK(how == Decoded::whole);
  CHECK(headers.protocol == 17);
  CHECK(to_string(headers.source) == "2001:db8::1");
  CHECK(std::get<UdpHeader>(headers.transport).payload.size() == 4);
  CHECK_FALSE(headers.fragment); // it stands alone

  chain[16 + 3] = std::byte{8}; // its offset
  CHECK(decoded(ipv6(0, chain)).decoded == Decoded::later_fragment);
}

TEST_CASE("echo requests and replies") {
  auto request = decoded(ipv4({.protocol = 1}, echo(8, 3, 4)));
  CHECK_FALSE(std::get<EchoHeader>(request.headers.transport).reply);
  auto reply = decoded(ipv6(58, echo(129, 3, 4)));
  CHECK(std::get<EchoHeader>(reply.headers.transport).reply);
  CHECK(std::get<EchoHeader>(reply.headers.transport).sequence == 4);
  // Of another type: unreachable.
  auto other = decoded(ipv4({.protocol = 1}, echo(3, 3, 4)));
  CHECK(other.decoded == Decoded::whole);
  CHECK(std::holds_alternative<std::monostate>(other.headers.transport));
}

TEST_CASE("lengths that cannot be") {
  auto damaged = [](const Bytes& packet) {
    return decoded(packet).decoded == Decoded::damaged;
  };
  CHECK(damaged(ipv4({.words = 4}, udp(1, 2, {}))));
  CHECK(damaged(ipv4({.length = 19}, udp(1, 2, {}))));
  CHECK(damaged(ipv4({.length = 27}, udp(1, 2, {}))));
  CHECK(damaged(ipv4({.protocol = 6, .length = 39}, tcp({}))));
  CHECK(damaged(ipv4({.protocol = 6}, tcp({.words = 4}))));
  CHECK(damaged(ipv4({.protocol = 6}, tcp({.words = 6}))));
  CHECK(damaged(ipv6(17, udp(1, 2, {}), 7)));
  CHECK(damaged(Bytes(20, std::byte{0x50}))); // version 5
  // A chain of headers that does not end.
  CHECK(damaged(ipv6(0, Bytes(400))));
}

TEST_CASE("every prefix is cut, and none is read beyond its end") {
  for (const Bytes& whole :
       {ipv4({.protocol = 6}, tcp({})), ipv4({}, udp(1, 2, {})),
        ipv4({.protocol = 1}, echo(8, 1, 1)), ipv6(58, echo(128, 1, 1))})
    for (size_t size = 0; size < whole.size(); ++size) {
      Bytes exact(whole.begin(), whole.begin() + static_cast<int>(size));
      CHECK(decoded(exact, whole.size()).decoded == Decoded::cut);
    }
}
