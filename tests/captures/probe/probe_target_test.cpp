#include "captures/probe/probe_target.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;

TEST_CASE("targets") {
  struct Case {
    const char *text, *written;
  };
  for (auto [text, written] :
       {Case{"192.0.2.7", "icmp:192.0.2.7"}, Case{"guest", "icmp:guest"},
        Case{"icmp:guest", "icmp:guest"}, Case{"::1", "icmp:[::1]"},
        Case{"icmp:[fe80::1]", "icmp:[fe80::1]"},
        Case{"192.0.2.7:7", "udp:192.0.2.7:7"},
        Case{"udp:guest:4000", "udp:guest:4000"},
        Case{"[::1]:7", "udp:[::1]:7"}, Case{"udp:[::1]:7", "udp:[::1]:7"}}) {
    CAPTURE(text);
    auto target = parse_probe_target(text);
    REQUIRE(target);
    CHECK(to_string(*target) == written);
    auto again = parse_probe_target(written);
    REQUIRE(again);
    CHECK(to_string(*again) == written);
  }
}

TEST_CASE("what is no target") {
  for (const char* text : {"", "udp:guest", "udp:guest:0", "udp:guest:70000",
                           "guest:", "icmp:", "unix:/run/a", "/run/a"}) {
    CAPTURE(text);
    auto target = parse_probe_target(text);
    REQUIRE_FALSE(target);
    CHECK(target.error().kind == ErrorKind::usage);
    CHECK(target.error().message.find(text) != std::string::npos);
  }
}
