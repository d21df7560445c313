// The JSON description at the end of a stream (VMDESCRIPTION), as far as sizes
// of device sections need it. Layout: QEMU migration/vmstate.c and savevm.c.
#pragma once

#include "base/error.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::captures {

struct DescribedDevice {
  std::string name; // idstr of its FULL section
  uint32_t instance_id = 0;
  uint64_t body_bytes = 0; // fields and subsections, as they are on the wire
};

struct Description {
  std::optional<uint32_t> page_size;    // target page, bytes
  std::vector<DescribedDevice> devices; // in wire order
};

// Fails with kind malformed where the text is no description.
[[nodiscard]] Result<Description> parse_description(std::string_view json);

// Where the description stands in the last bytes of a whole stream, found from
// its end: EOF byte, 0x06, be32 length, text up to the last byte. Nothing where
// there is none (cut off, postcopy, suppress-vmdesc).
[[nodiscard]] std::optional<std::string_view>
find_description(std::span<const std::byte> tail);

} // namespace migscope::captures
