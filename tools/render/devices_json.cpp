#include "analyzer/devices/virtio_features.h"
#include "captures/vmstate/virtio.h"
#include "tools/render/devices.h"
#include "tools/render/json_parts.h"

#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;
using captures::Value;
using captures::ValueKind;
using qmp::Json;

namespace {

std::string hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::byte byte : bytes) {
    out += kDigits[std::to_integer<unsigned>(byte >> 4)];
    out += kDigits[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return out;
}

Json scalar(const Value& value) {
  switch (value.kind) {
  case ValueKind::unsigned_integer:
    return Json::of(unsigned_value(value));
  case ValueKind::signed_integer:
    return Json::of(signed_value(value));
  case ValueKind::boolean:
    return Json::of(unsigned_value(value) != 0);
  default:
    return {};
  }
}

Json plain_elements(const Value& value) {
  Json out = Json::array();
  for (size_t i = 0; i < element_count(value); ++i)
    out.add(scalar(element(value, i)));
  return out;
}

Json children(const Value& value, std::string_view vmsd) {
  Json out = Json::array();
  for (const Value& child : value.children)
    out.add(render_json(child, vmsd));
  return out;
}

Json name_list(const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const std::string& name : names)
    out.add(name);
  return out;
}

void add_content(Json& out, const Value& value, std::string_view vmsd) {
  switch (value.kind) {
  case ValueKind::bytes:
    out.set("hex", hex(value.bytes));
    return;
  case ValueKind::structure:
    out.set("fields", children(value, vmsd));
    return;
  case ValueKind::array:
    if (value.element_bytes)
      out.set("values", plain_elements(value));
    else
      out.set("elements", children(value, vmsd));
    return;
  default:
    out.set("value", scalar(value));
  }
  if (value.type == captures::kVirtioFeatures)
    out.set("bits",
            name_list(virtio_features(vmsd, unsigned_value(value),
                                      captures::first_feature_bit(value))));
}

Json device(const SavedDevice& value,
            const std::vector<captures::ValueProblem>& found,
            const std::vector<PathValue>& values, bool with_paths) {
  Json fields = Json::array(), problems = Json::array();
  for (const PathValue& field : values) {
    Json rendered = render_json(field.value, vmsd_name(value));
    if (with_paths)
      rendered.set("path", Json::text(field.path));
    fields.add(rendered);
  }
  for (const captures::ValueProblem& problem : found)
    problems.add(Json::object()
                     .set("field", Json::text(problem.path))
                     .set("offset", problem.offset)
                     .set("message", Json::text(problem.message)));
  return Json::object()
      .set("name", Json::text(value.name))
      .set("instance_id", value.instance_id)
      .set("version", value.version)
      .set("vmsd_name", Json::text(vmsd_name(value)))
      .set("channel", Json::text(value.channel))
      .set("offset", value.offset)
      .set("size", static_cast<uint64_t>(value.body.size()))
      .set("described", value.described != nullptr)
      .set("fields", fields)
      .set("problems", problems);
}

} // namespace

Json render_json(const Value& value, std::string_view vmsd) {
  Json out = Json::object();
  if (!value.name.empty())
    out.set("name", Json::text(value.name));
  out.set("type", Json::text(value.type))
      .set("offset", value.offset)
      .set("size", static_cast<uint64_t>(value.bytes.size()));
  add_content(out, value, vmsd);
  return out;
}

std::optional<size_t> render_devices_json(const DeviceStates& states,
                                          const DeviceSelection& selection,
                                          const Output& output) {
  Json machine = states.machine ? Json::text(*states.machine) : Json();
  if (!output(fmt::format("{{\n\"schema\": \"migscope/devices-1\",\n"
                          "\"input\": {},\n\"machine\": {},\n"
                          "\"described_by\": \"{}\",\n\"devices\": [",
                          input_json(states.input).dump_pretty(),
                          machine.dump(), to_string(states.described_by))))
    return {};
  size_t problems = 0;
  const char* before = "\n";
  for (const SavedDevice& saved : states.devices) {
    if (!is_selected(saved, selection))
      continue;
    captures::DeviceValues values = values_of(saved);
    problems += values.problems.size();
    Json rendered = device(saved, values.problems, selected(values, selection),
                           static_cast<bool>(selection.field));
    if (!output(before + rendered.dump_pretty()))
      return {};
    before = ",\n";
  }
  if (!output("\n]\n}\n"))
    return {};
  return problems;
}

} // namespace migscope::tools
