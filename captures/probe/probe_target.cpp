#include "captures/probe/probe_target.h"

#include "base/address.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>

namespace migscope::captures {
namespace {

constexpr std::string_view kIcmp = "icmp:", kUdp = "udp:";

Error bad_target(const std::string& text) {
  return {ErrorKind::usage,
          fmt::format("the probe's target \"{}\": expected icmp:HOST, HOST, "
                      "udp:HOST:PORT or HOST:PORT",
                      text)};
}

std::string bracketed(const std::string& host) {
  return host.find(':') == host.npos ? host : "[" + host + "]";
}

Result<ProbeTarget> parse_udp(const std::string& text,
                              const std::string& whole) {
  auto address = parse_address("tcp:" + text);
  if (!address || address->port == 0)
    return fail(bad_target(whole));
  return ProbeTarget{ProbeTarget::Kind::udp, address->host, address->port};
}

Result<ProbeTarget> parse_icmp(std::string host, const std::string& whole) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find('/') != host.npos)
    return fail(bad_target(whole));
  return ProbeTarget{ProbeTarget::Kind::icmp, host, 0};
}

} // namespace

Result<ProbeTarget> parse_probe_target(const std::string& text) {
  if (text.starts_with(kIcmp))
    return parse_icmp(text.substr(kIcmp.size()), text);
  if (text.starts_with(kUdp))
    return parse_udp(text.substr(kUdp.size()), text);
  // A bare IPv6 address has several colons and no brackets.
  bool has_port = text.find("]:") != text.npos ||
                  std::count(text.begin(), text.end(), ':') == 1;
  return has_port ? parse_udp(text, text) : parse_icmp(text, text);
}

std::string to_string(const ProbeTarget& target) {
  if (target.kind == ProbeTarget::Kind::icmp)
    return "icmp:" + bracketed(target.host);
  return fmt::format("udp:{}:{}", bracketed(target.host), target.port);
}

Result<SocketAddress> look_up(const ProbeTarget& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  int error = getaddrinfo(target.host.c_str(),
                          std::to_string(target.port).c_str(), &hints, &found);
  if (error)
    return fail({ErrorKind::io,
                 std::string("cannot be looked up: ") + gai_strerror(error),
                 to_string(target),
                 {}});
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  SocketAddress out;
  out.length = found->ai_addrlen;
  std::memcpy(&out.address, found->ai_addr, found->ai_addrlen);
  return out;
}

} // namespace migscope::captures
