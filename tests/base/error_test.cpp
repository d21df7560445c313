#include "base/error.h"

#include <cerrno>
#include <doctest/doctest.h>

using namespace migscope;

TEST_CASE("an error is told with place and offset") {
  CHECK(describe({ErrorKind::io, "no"}) == "no");
  CHECK(describe({ErrorKind::malformed, "expected a footer, found 0x17",
                  "a.bin", 8000}) ==
        "a.bin: at 0x1f40: expected a footer, found 0x17");
}

TEST_CASE("errno's text stands behind the action") {
  tl::expected<int, Error> result = fail_errno("open x", ENOENT);
  CHECK(result.error().message == "open x: No such file or directory");
}
