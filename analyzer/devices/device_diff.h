// Two captures' devices compared, field by field.
#pragma once

#include "analyzer/devices/device_states.h"
#include "analyzer/devices/value_paths.h"

namespace migscope::analyzer {

struct DeviceName {
  std::string name;
  uint32_t instance_id = 0;
  std::string vmsd_name;
};

// Where two values of bytes differ. What is longer differs in all it has more.
struct BytesDifference {
  size_t first = 0; // counted from the value's first byte
  size_t count = 0; // of bytes that differ
};

// A value that one side does not have, or has otherwise. It views into the
// DeviceStates that were compared, which have to live as long.
struct ValueDifference {
  std::string path;
  std::optional<captures::Value> a, b;
  // Of a word of virtio feature bits: the names of those only one has.
  std::vector<std::string> only_in_a = {}, only_in_b = {};
  std::optional<BytesDifference> bytes = {}; // where both are bytes
};

struct DeviceDifference {
  DeviceName device;
  std::vector<ValueDifference> values; // in the order of A, then only in B
};

struct DeviceDiff {
  std::vector<DeviceName> only_in_a, only_in_b;
  std::vector<DeviceDifference> devices; // that differ, in the order of A
  size_t same = 0;                       // devices that do not
  size_t problems = 0; // values that are not what their description allows
};

// Devices are matched by name and instance. Arrays of plain values are compared
// element by element.
[[nodiscard]] DeviceDiff compare(const DeviceStates& a, const DeviceStates& b);

} // namespace migscope::analyzer
