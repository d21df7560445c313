#include "tools/lab/linux_guest.h"

#include <doctest/doctest.h>

using namespace migscope::tools;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

} // namespace

// Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
TEST_CASE("a cpio archive") {
  std::string archive = cpio_archive({{"init", bytes_of("abcde")}});
  CHECK(archive.substr(0, 6) == "070701");
  CHECK(archive.substr(14, 8) == "000081ED");         // mode: 0100755
  CHECK(archive.substr(6 + 6 * 8, 8) == "00000005");  // file size
  CHECK(archive.substr(6 + 11 * 8, 8) == "00000005"); // name and its end
  CHECK(archive.substr(110, 5) == std::string("init\0", 5));
  // The content begins and ends at multiples of 4.
  CHECK(archive.substr(116, 8) == std::string("abcde\0\0\0", 8));
  CHECK(archive.substr(124, 6) == "070701");
  CHECK(archive.find("TRAILER!!!") != std::string::npos);
  CHECK(archive.size() % 4 == 0);
}
