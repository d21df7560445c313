#include "base/counted.h"
#include "tools/render/devices.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;
using captures::Value;
using captures::ValueKind;

namespace {

constexpr size_t kShownElements = 8;

std::string number(const Value& value) {
  if (value.kind == ValueKind::boolean)
    return unsigned_value(value) ? "true" : "false";
  if (value.kind == ValueKind::signed_integer && signed_value(value) < 0)
    return fmt::format("{} ({:#x})", signed_value(value),
                       unsigned_value(value));
  uint64_t plain = unsigned_value(value);
  return plain < 10 ? fmt::format("{}", plain)
                    : fmt::format("{} ({:#x})", plain, plain);
}

std::string shown_bytes(std::span<const std::byte> bytes) {
  bool zero = std::ranges::all_of(
      bytes, [](std::byte byte) { return byte == std::byte{}; });
  if (zero && bytes.size() > kShownBytes)
    return fmt::format("{} zero bytes", bytes.size());
  std::string out = hex_bytes(bytes.first(std::min(bytes.size(), kShownBytes)));
  if (bytes.size() > kShownBytes)
    out += fmt::format(" ... ({} bytes)", bytes.size());
  return out;
}

std::string shown_elements(const Value& value) {
  std::string out = "[";
  size_t count = element_count(value);
  for (size_t i = 0; i < std::min(count, kShownElements); ++i) {
    Value one = element(value, i);
    out += i ? ", " : "";
    out += one.kind == ValueKind::unsigned_integer && one.bytes.size() > 1
               ? fmt::format("{:#x}", unsigned_value(one))
               : number(one);
  }
  return count > kShownElements
             ? fmt::format("{}, ... ({} elements)]", out, count)
             : out + "]";
}

std::string device_head(const SavedDevice& device) {
  return fmt::format("{}/{}  version {}, {} bytes at {:#x}{}\n",
                     printable(device.name), device.instance_id, device.version,
                     device.body.size(), device.offset,
                     device.described ? "" : ", not described");
}

std::string value_line(const PathValue& value) {
  std::string path = value.path.empty() ? "(not described)" : value.path;
  return fmt::format("  {:#010x}  {}  {}\n", value.value.offset,
                     printable(path), render_text(value.value));
}

std::string device_text(const SavedDevice& device,
                        const captures::DeviceValues& values,
                        const DeviceSelection& selection) {
  std::string out = device_head(device);
  for (const PathValue& chosen : selected(values, selection)) {
    if (chosen.value.children.empty()) {
      out += value_line(chosen);
      continue;
    }
    Value inside = chosen.value;
    for (PathValue& leaf : leaves(std::span(&inside, 1))) {
      // Paths of leaves begin with the value's own name.
      leaf.path = chosen.path + leaf.path.substr(inside.name.size());
      out += value_line(leaf);
    }
  }
  for (const captures::ValueProblem& problem : values.problems)
    out += fmt::format("  {:#010x}  {}: {}\n", problem.offset,
                       printable(problem.path), printable(problem.message));
  return out;
}

} // namespace

std::string hex_bytes(std::span<const std::byte> bytes) {
  std::string out;
  for (std::byte byte : bytes)
    out += fmt::format("{}{:02x}", out.empty() ? "" : " ",
                       std::to_integer<unsigned>(byte));
  return out;
}

std::string render_text(const Value& value) {
  switch (value.kind) {
  case ValueKind::bytes:
    return shown_bytes(value.bytes);
  case ValueKind::null_pointer:
    return "null";
  case ValueKind::array:
    return value.element_bytes ? shown_elements(value) : "[]";
  case ValueKind::structure:
    return "{}";
  default:
    return number(value);
  }
}

bool is_selected(const SavedDevice& device, const DeviceSelection& selection) {
  return !selection.device || selection.device(device.name) ||
         selection.device(std::string(vmsd_name(device)));
}

std::vector<PathValue> selected(const captures::DeviceValues& values,
                                const DeviceSelection& selection) {
  if (selection.field)
    return select(values.values, selection.field);
  std::vector<PathValue> out;
  for (const Value& value : values.values)
    out.push_back({std::string(value.name), value});
  return out;
}

std::optional<size_t> render_devices_text(const DeviceStates& states,
                                          const DeviceSelection& selection,
                                          const Output& output) {
  if (!output(fmt::format("{}: {}, described by {}\n",
                          printable(states.machine.value_or("?")),
                          counted(states.devices.size(), "device"),
                          to_string(states.described_by))))
    return {};
  size_t problems = 0;
  for (const SavedDevice& device : states.devices) {
    if (!is_selected(device, selection))
      continue;
    captures::DeviceValues values = values_of(device);
    problems += values.problems.size();
    if (selection.field && values.problems.empty() &&
        selected(values, selection).empty())
      continue;
    if (!output("\n" + device_text(device, values, selection)))
      return {};
  }
  return problems;
}

} // namespace migscope::tools
