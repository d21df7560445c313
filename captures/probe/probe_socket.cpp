#include "captures/probe/probe_socket.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <random>
#include <unistd.h>
#include <utility>

namespace migscope::captures {
namespace {

constexpr size_t kIcmpHeader = 8, kUdpHeader = 8, kIp4Header = 20,
                 kIp6Header = 40;
constexpr std::array<char, 8> kMagic{'m', 'i', 'g', 's', 'c', 'o', 'p', 'e'};

// RFC 1071. The kernel does it for all but raw IPv4 sockets.
uint16_t internet_checksum(std::span<const std::byte> data) {
  uint32_t sum = 0;
  for (size_t i = 0; i < data.size(); i += 2) {
    uint16_t word = 0;
    std::memcpy(&word, &data[i], std::min<size_t>(2, data.size() - i));
    sum += word;
  }
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

struct Payload {
  std::array<char, 8> magic;
  uint64_t token, sequence;
};

int make_socket(int family, ProbeTarget::Kind kind, bool& raw) {
  if (kind == ProbeTarget::Kind::udp)
    return socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int protocol = family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd >= 0 || (errno != EACCES && errno != EPERM))
    return fd;
  raw = true;
  return socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

std::optional<timespec> stamp_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part;
       part = CMSG_NXTHDR(&message, part))
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec out{};
      std::memcpy(&out, CMSG_DATA(part), sizeof out);
      return out;
    }
  return std::nullopt;
}

} // namespace

ProbeSocket::ProbeSocket(int fd, int family, ProbeTarget::Kind kind, bool raw)
    : fd_(fd), family_(family), kind_(kind), raw_(raw) {
  std::random_device random;
  id_ = static_cast<uint16_t>(random());
  token_ = uint64_t{random()} << 32 | random();
}

ProbeSocket::ProbeSocket(ProbeSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), family_(other.family_),
      kind_(other.kind_), raw_(other.raw_), id_(other.id_),
      token_(other.token_) {}

ProbeSocket::~ProbeSocket() {
  if (fd_ >= 0)
    close(fd_);
}

Result<ProbeSocket> ProbeSocket::open(const ProbeTarget& target) {
  auto to = look_up(target);
  if (!to)
    return fail(to.error());
  bool raw = false;
  int family = to->address.ss_family;
  int fd = make_socket(family, target.kind, raw);
  if (fd < 0)
    return fail_errno("open a socket for " + to_string(target), errno);
  ProbeSocket out(fd, family, target.kind, raw);
  int on = 1;
  // Without it answers are timed as they are read.
  (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  int room = 1 << 20; // answers that come while the thread does not run
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to->address), to->length) != 0)
    return fail_errno("reach " + to_string(target), errno);
  return out;
}

uint64_t ProbeSocket::bytes() const {
  size_t ip = family_ == AF_INET ? kIp4Header : kIp6Header;
  return ip + (kind_ == ProbeTarget::Kind::udp ? kUdpHeader : kIcmpHeader) +
         kProbePayload;
}

size_t ProbeSocket::write_header(std::span<std::byte> out,
                                 uint64_t sequence) const {
  if (kind_ == ProbeTarget::Kind::udp)
    return 0;
  // The same layout in both versions of IP: type, code, checksum, id, sequence.
  out[0] = std::byte(family_ == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
  uint16_t words[] = {htons(id_), htons(static_cast<uint16_t>(sequence))};
  std::memcpy(&out[4], words, sizeof words);
  return kIcmpHeader;
}

int ProbeSocket::send(uint64_t sequence) {
  std::array<std::byte, kIcmpHeader + kProbePayload> datagram{};
  size_t header = write_header(datagram, sequence);
  Payload payload{kMagic, token_, sequence};
  std::memcpy(&datagram[header], &payload, sizeof payload);
  std::span<const std::byte> whole =
      std::span(datagram).first(header + kProbePayload);
  if (header && family_ == AF_INET) {
    uint16_t sum = internet_checksum(whole);
    std::memcpy(&datagram[2], &sum, sizeof sum);
  }
  return ::send(fd_, whole.data(), whole.size(), 0) < 0 ? errno : 0;
}

std::optional<uint64_t>
ProbeSocket::sequence_of(std::span<const std::byte> datagram) const {
  size_t header = 0;
  if (raw_ && family_ == AF_INET) {
    if (datagram.empty())
      return std::nullopt;
    header = (std::to_integer<size_t>(datagram[0]) & 15) * 4;
  }
  if (kind_ == ProbeTarget::Kind::icmp) {
    auto reply =
        std::byte(family_ == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY);
    if (datagram.size() <= header || datagram[header] != reply)
      return std::nullopt;
    header += kIcmpHeader;
  }
  Payload payload{};
  if (datagram.size() < header + sizeof payload)
    return std::nullopt;
  std::memcpy(&payload, &datagram[header], sizeof payload);
  if (payload.magic != kMagic || payload.token != token_)
    return std::nullopt;
  return payload.sequence;
}

ProbeSocket::Got ProbeSocket::next(ProbeAnswer& out) {
  std::array<std::byte, 2048> datagram;
  alignas(cmsghdr) std::array<char, 256> control;
  iovec room{datagram.data(), datagram.size()};
  msghdr message{};
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = recvmsg(fd_, &message, 0);
  if (got < 0)
    return errno == EAGAIN || errno == EINTR ? Got::nothing : Got::error;
  auto sequence =
      sequence_of(std::span(datagram).first(static_cast<size_t>(got)));
  if (!sequence)
    return Got::other;
  out = {*sequence, stamp_of(message)};
  return Got::answer;
}

} // namespace migscope::captures
