#include "base/address.h"

#include <doctest/doctest.h>

using namespace migscope;

TEST_CASE("addresses in every form") {
  struct Case {
    const char* text;
    const char* canonical;
  };
  for (const Case& c : {
           Case{"unix:/run/a.sock", "unix:/run/a.sock"},
           Case{"/run/a.sock", "unix:/run/a.sock"},
           Case{"a.sock", "unix:a.sock"},
           Case{"./odd:1", "unix:./odd:1"},
           Case{"tcp:host:4444", "tcp:host:4444"},
           Case{"host:4444", "tcp:host:4444"},
           Case{"[::1]:4444", "tcp:[::1]:4444"},
           Case{"tcp:[fe80::1]:0", "tcp:[fe80::1]:0"},
           Case{":4444", "tcp::4444"},
       }) {
    CAPTURE(c.text);
    auto address = parse_address(c.text);
    REQUIRE(address);
    CHECK(to_string(*address) == c.canonical);
  }
}

TEST_CASE("addresses that are none say what was expected") {
  for (const char* text : {"", "unix:", "tcp:host", "tcp:host:", "host:70000",
                           "host:12x", "::1:4444", "tcp:host:-1"}) {
    CAPTURE(text);
    auto address = parse_address(text);
    REQUIRE_FALSE(address);
    CHECK(address.error().kind == ErrorKind::usage);
    CHECK(address.error().message.find("expected unix:PATH") !=
          std::string::npos);
  }
  CHECK_FALSE(parse_address("unix:/" + std::string(200, 'x')));
}

TEST_CASE("only sockets of this host are local") {
  CHECK(is_local(*parse_address("/run/a")));
  CHECK(is_local(*parse_address("127.0.0.1:1")));
  CHECK(is_local(*parse_address("[::1]:1")));
  CHECK(is_local(*parse_address("localhost:1")));
  CHECK_FALSE(is_local(*parse_address("node2:1")));
}
