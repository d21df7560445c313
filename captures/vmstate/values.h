// The state of a device as a tree of values: its bytes, cut and named as its
// description says. Encodings: QEMU migration/vmstate.c, vmstate-types.c.
#pragma once

#include "captures/vmstate/description.h"

namespace migscope::captures {

enum class ValueKind : uint8_t {
  unsigned_integer, // big-endian, 1 to 8 bytes
  signed_integer,   // the same, two's complement
  boolean,          // one byte
  bytes,            // of a codec that is not taken apart, or not described
  null_pointer,     // a pointer of an array that points nowhere
  structure,        // members in `children`
  array,            // elements in `children`, or plain ones of one size
};

// Views into the description and the body: it lives as long as both.
struct Value {
  std::string_view name; // empty for an element of an array
  // The codec as QEMU calls it, `subsection`, or empty for bytes that no field
  // describes.
  std::string_view type;
  ValueKind kind = ValueKind::bytes;
  // Of an array of plain values: what each is, and its size in bytes. The
  // elements are not in `children` then.
  ValueKind element_kind = ValueKind::bytes;
  uint32_t element_bytes = 0;
  uint64_t offset = 0;              // of its first byte in the channel
  std::span<const std::byte> bytes; // as on the wire, with all inside
  std::vector<Value> children = {};
};

// Of integers (both kinds), booleans and timers.
[[nodiscard]] uint64_t unsigned_value(const Value& value);
[[nodiscard]] int64_t signed_value(const Value& value);

// Of arrays, wherever their elements are.
[[nodiscard]] size_t element_count(const Value& array);
[[nodiscard]] Value element(const Value& array, size_t index);

// Where a value is not what its description allows.
struct ValueProblem {
  std::string path; // "mixer.gain[2]"; empty for the device itself
  uint64_t offset = 0;
  std::string message; // what was expected and found
};

struct DeviceValues {
  std::vector<Value> values; // all of the body, without gaps, in wire order
  std::vector<ValueProblem> problems;
};

// `offset` is the body's place in the channel. What does not fit becomes bytes
// and a problem; decoding goes on where a size tells that it can.
[[nodiscard]] DeviceValues decode_values(const DescribedDevice& device,
                                         std::span<const std::byte> body,
                                         uint64_t offset);

} // namespace migscope::captures
