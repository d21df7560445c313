#include "base/counted.h"
#include "tools/render/devices.h"
#include "tools/render/json_parts.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;
using captures::Value;
using qmp::Json;

namespace {

Json name_list(const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const std::string& name : names)
    out.add(name);
  return out;
}

Json side(const std::optional<Value>& value, std::string_view vmsd) {
  return value ? render_json(*value, vmsd) : Json();
}

Json device_names(const std::vector<DeviceName>& names) {
  Json out = Json::array();
  for (const DeviceName& name : names)
    out.add(Json::object()
                .set("name", Json::text(name.name))
                .set("instance_id", name.instance_id));
  return out;
}

Json bytes_that_differ(const std::optional<BytesDifference>& bytes) {
  if (!bytes)
    return {};
  return Json::object()
      .set("first", static_cast<uint64_t>(bytes->first))
      .set("count", static_cast<uint64_t>(bytes->count));
}

Json difference(const ValueDifference& value, std::string_view vmsd) {
  return Json::object()
      .set("field", Json::text(value.path))
      .set("a", side(value.a, vmsd))
      .set("b", side(value.b, vmsd))
      .set("bits_only_in_a", name_list(value.only_in_a))
      .set("bits_only_in_b", name_list(value.only_in_b))
      .set("differing_bytes", bytes_that_differ(value.bytes));
}

std::string names(const char* head, const std::vector<DeviceName>& devices) {
  std::string out;
  for (const DeviceName& device : devices)
    out += fmt::format("{}{}/{}\n", head, printable(device.name),
                       device.instance_id);
  return out;
}

std::string bit_lines(char mark, const std::vector<std::string>& bits) {
  std::string out;
  for (const std::string& bit : bits)
    out += fmt::format("      {} {}\n", mark, bit);
  return out;
}

// Both sides around the first byte that differs.
std::string bytes_lines(const ValueDifference& value) {
  constexpr size_t kBefore = 8;
  size_t begin = value.bytes->first - std::min(value.bytes->first, kBefore);
  std::string out;
  for (auto [mark, side] : {std::pair('-', &value.a), {'+', &value.b}}) {
    auto bytes = (*side)->bytes;
    auto behind = bytes.subspan(std::min(begin, bytes.size()));
    auto shown = behind.first(std::min(behind.size(), kShownBytes));
    out += fmt::format(
        "      {} {:#x}: {}{} ({} bytes)\n", mark, begin, hex_bytes(shown),
        shown.size() < behind.size() ? " ..." : "", bytes.size());
  }
  return out + fmt::format("      {} bytes differ, the first at {:#x}\n",
                           value.bytes->count, value.bytes->first);
}

std::string difference(const ValueDifference& value) {
  std::string out = fmt::format(
      "  {}\n", value.path.empty() ? "(not described)" : printable(value.path));
  if (!value.only_in_a.empty() || !value.only_in_b.empty())
    return out + bit_lines('-', value.only_in_a) +
           bit_lines('+', value.only_in_b);
  if (value.bytes &&
      std::max(value.a->bytes.size(), value.b->bytes.size()) > kShownBytes)
    return out + bytes_lines(value);
  if (value.a)
    out += fmt::format("      - {}\n", render_text(*value.a));
  if (value.b)
    out += fmt::format("      + {}\n", render_text(*value.b));
  return out;
}

// Whether the value of that path is wanted, or one that it is inside of.
bool is_wanted_field(const std::string& path, const Wanted& wanted) {
  if (!wanted)
    return true;
  for (size_t end = 0; end != path.npos;) {
    end = path.find_first_of(".[", end + 1);
    std::string outer = path.substr(0, end);
    if (wanted(outer) || wanted(last_name(outer)))
      return true;
  }
  return false;
}

bool is_wanted(const DeviceName& device, const DeviceSelection& selection) {
  return !selection.device || selection.device(device.name) ||
         selection.device(device.vmsd_name);
}

} // namespace

DeviceDiff selected(DeviceDiff diff, const DeviceSelection& selection) {
  auto unwanted = [&](const DeviceName& device) {
    return !is_wanted(device, selection);
  };
  std::erase_if(diff.only_in_a, unwanted);
  std::erase_if(diff.only_in_b, unwanted);
  for (DeviceDifference& device : diff.devices)
    std::erase_if(device.values, [&](const ValueDifference& value) {
      return unwanted(device.device) ||
             !is_wanted_field(value.path, selection.field);
    });
  std::erase_if(diff.devices, [](const DeviceDifference& device) {
    return device.values.empty();
  });
  return diff;
}

Json render_json(const DeviceDiff& diff, const DeviceStates& a,
                 const DeviceStates& b) {
  Json devices = Json::array();
  for (const DeviceDifference& device : diff.devices) {
    Json fields = Json::array();
    for (const ValueDifference& value : device.values)
      fields.add(difference(value, device.device.vmsd_name));
    devices.add(Json::object()
                    .set("name", Json::text(device.device.name))
                    .set("instance_id", device.device.instance_id)
                    .set("fields", fields));
  }
  return Json::object()
      .set("schema", "migscope/device-diff-1")
      .set("a", input_json(a.input))
      .set("b", input_json(b.input))
      .set("only_in_a", device_names(diff.only_in_a))
      .set("only_in_b", device_names(diff.only_in_b))
      .set("same_devices", static_cast<uint64_t>(diff.same))
      .set("devices", devices);
}

std::string render_text(const DeviceDiff& diff) {
  std::string out = names("- ", diff.only_in_a) + names("+ ", diff.only_in_b);
  for (const DeviceDifference& device : diff.devices) {
    out +=
        fmt::format("{}{}/{}\n", out.empty() ? "" : "\n",
                    printable(device.device.name), device.device.instance_id);
    for (const ValueDifference& value : device.values)
      out += difference(value);
  }
  return out + fmt::format("{}{} the same\n", out.empty() ? "" : "\n",
                           counted(diff.same, "device is", "devices are"));
}

} // namespace migscope::tools
