// libvirt save images, field by field.
#pragma once

#include "tests/support/bytes.h"

#include <bit>
#include <string_view>

namespace migscope::test {

using testing::Bytes;

struct SaveImage {
  std::string_view magic = "LibvirtQemudSave";
  uint32_t version = 2;
  uint32_t was_running = 1;
  uint32_t format = 0;
  std::string_view xml = "<domain type='qemu'/>";
  std::string_view cookie = "<qemusavecookie/>";
  uint32_t padding = 100;
  bool big_endian = false;

  [[nodiscard]] uint32_t data_len() const {
    return static_cast<uint32_t>(xml.size() + 1 + cookie.size() + 1) + padding;
  }

  [[nodiscard]] Bytes build(std::span<const std::byte> stream = {}) const {
    Bytes out;
    auto text = [&](std::string_view value) {
      auto bytes = testing::bytes_of(value);
      out.insert(out.end(), bytes.begin(), bytes.end());
    };
    text(magic);
    auto xml_bytes = static_cast<uint32_t>(xml.size() + 1);
    for (uint32_t value : {version, data_len(), was_running, format, xml_bytes})
      for (unsigned i = 0; i < 4; i++)
        out.push_back(
            static_cast<std::byte>(value >> (big_endian ? 24 - 8 * i : 8 * i)));
    out.resize(92);
    text(xml);
    out.push_back({});
    text(cookie);
    out.resize(92 + data_len());
    out.insert(out.end(), stream.begin(), stream.end());
    return out;
  }
};

} // namespace migscope::test
