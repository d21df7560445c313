#include "base/address.h"

#include <charconv>
#include <fmt/format.h>
#include <sys/un.h>

namespace migscope {
namespace {

tl::unexpected<Error> usage(std::string_view text, std::string_view why) {
  return fail(ErrorKind::usage,
              fmt::format("address \"{}\": {}; expected unix:PATH, "
                          "tcp:HOST:PORT, HOST:PORT or a path",
                          text, why));
}

Result<Address> parse_unix(std::string_view text, std::string_view path) {
  if (path.empty())
    return usage(text, "the path is empty");
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return usage(text,
                 fmt::format("the path has {} bytes, a socket's has at "
                             "most {}",
                             path.size(), sizeof(sockaddr_un::sun_path) - 1));
  Address out;
  out.path = path;
  return out;
}

Result<Address> parse_tcp(std::string_view text, std::string_view rest) {
  size_t colon = rest.rfind(':');
  if (colon == rest.npos)
    return usage(text, "there is no port");
  std::string_view host = rest.substr(0, colon);
  std::string_view port = rest.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != host.npos)
    return usage(text, "an IPv6 host must stand in brackets");
  Address out;
  out.kind = Address::Kind::tcp;
  out.host = host;
  auto [end, error] =
      std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size())
    return usage(text, fmt::format("\"{}\" is not a port", port));
  return out;
}

} // namespace

Result<Address> parse_address(std::string_view text) {
  if (text.starts_with("unix:"))
    return parse_unix(text, text.substr(5));
  if (text.starts_with("tcp:"))
    return parse_tcp(text, text.substr(4));
  if (text.find('/') != text.npos || text.find(':') == text.npos)
    return parse_unix(text, text);
  return parse_tcp(text, text);
}

std::string to_string(const Address& address) {
  if (address.kind == Address::Kind::unix_socket)
    return "unix:" + address.path;
  bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "tcp:[{}]:{}" : "tcp:{}:{}"),
                     address.host, address.port);
}

bool is_local(const Address& address) {
  return address.kind == Address::Kind::unix_socket ||
         address.host == "localhost" || address.host == "::1" ||
         address.host.starts_with("127.");
}

} // namespace migscope
