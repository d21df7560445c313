#include "captures/socket_state.h"

#include <cstddef>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace migscope::captures {
namespace {

std::optional<TcpState> tcp_state(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return std::nullopt;
  TcpState out{info.tcpi_rtt,     info.tcpi_rttvar,        info.tcpi_snd_cwnd,
               info.tcpi_unacked, info.tcpi_total_retrans, std::nullopt};
  // An older kernel fills in less.
  constexpr size_t kEnd =
      offsetof(tcp_info, tcpi_sndbuf_limited) + sizeof info.tcpi_sndbuf_limited;
  if (size >= kEnd)
    out.limits = {info.tcpi_notsent_bytes, info.tcpi_delivery_rate,
                  info.tcpi_busy_time, info.tcpi_rwnd_limited,
                  info.tcpi_sndbuf_limited};
  return out;
}

} // namespace

SocketState socket_state(int fd, Address::Kind kind, Queue queue) {
  SocketState out;
  int bytes = 0;
  unsigned long request = queue == Queue::received ? SIOCINQ : SIOCOUTQ;
  if (::ioctl(fd, request, &bytes) == 0 && bytes >= 0)
    out.queued = static_cast<uint64_t>(bytes);
  if (kind == Address::Kind::tcp)
    out.tcp = tcp_state(fd);
  return out;
}

} // namespace migscope::captures
