// The JSON description at the end of a stream (VMDESCRIPTION): what every
// device's state is made of. Layout: QEMU migration/vmstate.c, savevm.c and
// vmstate-types.c, 7.2 to 11.1.
#pragma once

#include "base/error.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::captures {

struct DescribedField;

// A vmstate: of a device, a subsection, or nested in a field.
struct DescribedState {
  std::string vmsd_name;
  uint32_t version = 0;
  std::vector<DescribedField> fields;
  std::vector<DescribedState> subsections;
};

// One field, or a run of equal elements of an array. Elements that QEMU
// describes one by one are fields of the same name in a row.
struct DescribedField {
  std::string name; // a [k] at its end is part of it
  std::string type; // name of the codec
  // Elements; nothing for a field that is no array, or one element of one.
  std::optional<uint64_t> array_len = {};
  uint64_t size = 0; // bytes of one element, all that is nested included
  // Nested state: one for struct, vstruct and tmp, one an element for qtailq
  // and qlist; gtree: one a value, each after that of its key if that has one.
  std::vector<DescribedState> states = {};
};

struct DescribedDevice {
  std::string name; // idstr of its FULL section
  uint32_t instance_id = 0;
  uint64_t body_bytes = 0; // fields and subsections, as they are on the wire
  // Without vmsd_name where the handler has no vmstate: one field of bytes.
  DescribedState state = {};
};

struct Description {
  std::optional<uint32_t> page_size;    // target page, bytes
  std::vector<DescribedDevice> devices; // in wire order
};

// Bytes of all elements of a field; of a state, its fields and subsections
// with their heads. Fail (malformed) where 64 bits do not hold them.
[[nodiscard]] Result<uint64_t> wire_bytes(const DescribedField& field);
[[nodiscard]] Result<uint64_t> wire_bytes(const DescribedState& state);

// Whether a field stands for a pointer of an array: 10.0 to 10.2 call it
// nullptr, 11.0 and later ptr-marker.
[[nodiscard]] bool is_pointer_marker(std::string_view type);

// Fails with kind malformed where the text is no description.
[[nodiscard]] Result<Description> parse_description(std::string_view json);

// Where the description stands in the last bytes of a whole stream, found from
// its end: EOF byte, 0x06, be32 length, text up to the last byte. Nothing where
// there is none (cut off, postcopy, suppress-vmdesc).
[[nodiscard]] std::optional<std::string_view>
find_description(std::span<const std::byte> tail);

} // namespace migscope::captures
