// What QEMU's codecs (VMStateInfo) put on the wire, by their names: QEMU
// migration/vmstate-types.c, 7.2 to 11.1.
#pragma once

#include "captures/vmstate/values.h"

namespace migscope::captures {

struct Codec {
  std::string_view type;
  ValueKind kind = ValueKind::bytes;
  uint32_t bytes = 0; // each time
};

// Bytes of one of the integers that the codec puts one after the other, as many
// as its field has room for; 0 for other codecs.
[[nodiscard]] uint32_t word_bytes(std::string_view type);

// Nothing for a codec whose bytes are not taken apart.
[[nodiscard]] const Codec* find_codec(std::string_view type);

// Whether the type has nested state in place.
[[nodiscard]] bool is_struct(std::string_view type); // struct, vstruct, tmp
[[nodiscard]] bool is_queue(std::string_view type);  // qtailq, qlist

} // namespace migscope::captures
