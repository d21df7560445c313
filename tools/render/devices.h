// The devices of a capture as JSON and as text, piece by piece: one device at a
// time is taken apart, as the values of all of them take much memory.
#pragma once

#include "analyzer/devices/device_diff.h"
#include "qmp/json.h"

#include <functional>

namespace migscope::tools {

// Whether to show something of that name; empty: all.
using Wanted = std::function<bool(const std::string&)>;

struct DeviceSelection {
  Wanted device; // idstr, or the name of the vmstate
  Wanted field;  // path, or its last name
};

// Takes the next piece of the output; false where it cannot be written.
using Output = std::function<bool(std::string_view)>;

// Schema "migscope/devices-1" (docs/devices-json.md). Give the problems that
// the devices' values have; nothing where the output failed. The text leaves
// out devices without any of the wanted fields.
[[nodiscard]] std::optional<size_t>
render_devices_json(const analyzer::DeviceStates& states,
                    const DeviceSelection& selection, const Output& output);
[[nodiscard]] std::optional<size_t>
render_devices_text(const analyzer::DeviceStates& states,
                    const DeviceSelection& selection, const Output& output);

// Schema "migscope/device-diff-1".
[[nodiscard]] qmp::Json render_json(const analyzer::DeviceDiff& diff,
                                    const analyzer::DeviceStates& a,
                                    const analyzer::DeviceStates& b);
[[nodiscard]] std::string render_text(const analyzer::DeviceDiff& diff);

// One value: its type, place, size and content.
[[nodiscard]] qmp::Json render_json(const captures::Value& value,
                                    std::string_view vmsd_name);
// Of a value of bytes, that its line shows.
inline constexpr size_t kShownBytes = 24;
// Its content on one line: a number in both bases, bytes in hex, shortened.
[[nodiscard]] std::string render_text(const captures::Value& value);

[[nodiscard]] std::string
hex_bytes(std::span<const std::byte> bytes); // "0a ff"

// A device's values as `selection` wants them.
[[nodiscard]] std::vector<analyzer::PathValue>
selected(const captures::DeviceValues& values,
         const DeviceSelection& selection);
[[nodiscard]] bool is_selected(const analyzer::SavedDevice& device,
                               const DeviceSelection& selection);
[[nodiscard]] analyzer::DeviceDiff selected(analyzer::DeviceDiff diff,
                                            const DeviceSelection& selection);

} // namespace migscope::tools
