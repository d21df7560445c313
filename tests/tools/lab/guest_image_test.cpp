#include "tools/lab/guest_image.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string_view>

using migscope::tools::lab_guest_image;

TEST_CASE("the guest is a 32-bit x86 ELF") {
  auto image = lab_guest_image();
  REQUIRE(image.size() > 52);
  CHECK(std::memcmp(image.data(),
                    "\x7f"
                    "ELF\x01\x01",
                    6) == 0);
  CHECK(image[18] == std::byte{3}); // EM_386
}

TEST_CASE("the multiboot header is where loaders look, in the first 8 KiB") {
  using namespace std::string_view_literals;
  auto image = lab_guest_image();
  std::string_view head(reinterpret_cast<const char*>(image.data()),
                        std::min<std::size_t>(image.size(), 8192));
  auto at = head.find("\x02\xb0\xad\x1b"sv);
  REQUIRE(at != head.npos);
  CHECK(at % 4 == 0);
}
