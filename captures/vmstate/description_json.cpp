// Keys repeat in one object where a field has several elements, so the parser
// has to keep them all, in order: simdjson does, json-c does not.
#include "captures/stream/limits.h"
#include "captures/vmstate/description.h"

#include <bit>
#include <fmt/format.h>
#include <simdjson.h>

namespace migscope::captures {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorKind::malformed, "description: " + std::move(message));
}

// Of equal keys the last one counts, where a reader takes one value.
Status read_uint(const element& value, std::string_view key, uint64_t& out) {
  if (value.get(out) != simdjson::SUCCESS)
    return bad(fmt::format("\"{}\" is no count", key));
  return {};
}

Status read_text(const element& value, std::string_view key, std::string& out) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS)
    return bad(fmt::format("\"{}\" is no text", key));
  out = text;
  return {};
}

Status read_fields(const element& value, std::vector<DescribedField>& out);
Status read_subsections(const element& value, std::vector<DescribedState>& out);

// A member of a state; false where it is none.
Result<bool> read_member(std::string_view key, const element& value,
                         DescribedState& out) {
  Status read;
  if (key == "vmsd_name") {
    read = read_text(value, key, out.vmsd_name);
  } else if (key == "version") {
    uint64_t version = 0;
    read = read_uint(value, key, version);
    out.version = static_cast<uint32_t>(version);
  } else if (key == "fields") {
    read = read_fields(value, out.fields);
  } else if (key == "subsections") {
    read = read_subsections(value, out.subsections);
  } else {
    return false;
  }
  if (!read)
    return fail(read.error());
  return true;
}

// A state written into its field's own object, once an element: each begins
// with its name.
Status read_inline(std::string_view key, const element& value,
                   DescribedField& out) {
  if (key == "vmsd_name")
    out.states.emplace_back();
  if (out.states.empty())
    return {};
  auto read = read_member(key, value, out.states.back());
  return read ? Status{} : fail(read.error());
}

// QEMU writes an empty object for a NULL pointer (up to 9.2).
Status read_struct(const element& value, DescribedField& out) {
  object members;
  if (value.get(members) != simdjson::SUCCESS)
    return bad("\"struct\" is no object");
  if (members.size() == 0)
    return {};
  DescribedState& state = out.states.emplace_back();
  for (const auto& [key, member] : members)
    if (auto read = read_member(key, member, state); !read)
      return fail(read.error());
  return {};
}

struct ReadField {
  DescribedField field;
  bool has_index = false;
};

Result<ReadField> read_field(const element& value) {
  object members;
  if (value.get(members) != simdjson::SUCCESS)
    return bad("a field is no object");
  ReadField out;
  std::optional<uint64_t> size;
  for (const auto& [key, member] : members) {
    Status read;
    if (key == "name")
      read = read_text(member, key, out.field.name);
    else if (key == "type")
      read = read_text(member, key, out.field.type);
    else if (key == "size")
      read = read_uint(member, key, size.emplace());
    else if (key == "array_len")
      read = read_uint(member, key, out.field.array_len.emplace());
    else if (key == "index")
      out.has_index = true;
    else if (key == "struct")
      read = read_struct(member, out.field);
    else
      read = read_inline(key, member, out.field);
    if (!read)
      return fail(read.error());
  }
  if (!size)
    return bad(fmt::format("field \"{}\" has no size", out.field.name));
  out.field.size = *size;
  return out;
}

// Lengths that QEMU 10.0 and later write wrong for an array of pointers with
// NULLs among them (format read in vmstate_save_state_v; seen in no x86
// device):
// - Elements described one by one: each NULL claims all that follow it, too.
// - Described by runs: a first run that is not NULL claims the whole array.
void correct_lengths(std::span<ReadField> row) {
  bool one_by_one = false, markers = false;
  uint64_t later = 0; // elements after the first entry
  for (size_t i = 0; i < row.size(); ++i) {
    bool marker = is_pointer_marker(row[i].field.type);
    markers = markers || marker;
    one_by_one = one_by_one || row[i].has_index ||
                 (marker && i && is_pointer_marker(row[i - 1].field.type));
    // Neither a hostile length nor a sum of them matters beyond this.
    if (i)
      later += std::min<uint64_t>(row[i].field.array_len.value_or(1), 1u << 31);
  }
  if (!markers)
    return;
  for (ReadField& entry : row)
    if (one_by_one && is_pointer_marker(entry.field.type))
      entry.field.array_len.reset();
  DescribedField& first = row.front().field;
  if (!one_by_one && !is_pointer_marker(first.type) && first.array_len &&
      *first.array_len > later)
    first.array_len = *first.array_len - later;
}

Status read_fields(const element& value, std::vector<DescribedField>& out) {
  array items;
  if (value.get(items) != simdjson::SUCCESS)
    return bad("\"fields\" is no array");
  std::vector<ReadField> read;
  for (const element& item : items) {
    auto field = read_field(item);
    if (!field)
      return fail(field.error());
    read.push_back(std::move(*field));
  }
  for (size_t begin = 0, end = 0; begin < read.size(); begin = end) {
    while (end < read.size() && read[end].field.name == read[begin].field.name)
      ++end;
    correct_lengths(std::span(read).subspan(begin, end - begin));
  }
  out.clear();
  for (ReadField& entry : read)
    out.push_back(std::move(entry.field));
  return {};
}

Status read_state(const object& members, DescribedState& out) {
  bool fields = false;
  for (const auto& [key, member] : members) {
    fields = fields || key == "fields";
    if (auto read = read_member(key, member, out); !read)
      return fail(read.error());
  }
  if (!fields)
    return bad("a device or subsection has no fields");
  return {};
}

Status read_subsections(const element& value,
                        std::vector<DescribedState>& out) {
  array items;
  if (value.get(items) != simdjson::SUCCESS)
    return bad("\"subsections\" is no array");
  out.clear();
  for (const element& item : items) {
    object members;
    if (item.get(members) != simdjson::SUCCESS)
      return bad("a subsection is no object");
    DescribedState& state = out.emplace_back();
    if (Status read = read_state(members, state); !read)
      return read;
    if (state.vmsd_name.empty())
      return bad("a subsection has no name");
  }
  return {};
}

Result<DescribedDevice> read_device(const element& value) {
  object members;
  std::string_view name;
  uint64_t instance = 0;
  if (value.get(members) != simdjson::SUCCESS ||
      members["name"].get(name) != simdjson::SUCCESS ||
      members["instance_id"].get(instance) != simdjson::SUCCESS ||
      instance > UINT32_MAX)
    return bad("a device has no name or no instance_id");
  DescribedDevice out{std::string(name), static_cast<uint32_t>(instance)};
  if (Status read = read_state(members, out.state); !read)
    return fail(read.error());
  // Handlers without a vmstate have one field that says no more than `size`.
  if (members["size"].get(out.body_bytes) == simdjson::SUCCESS)
    return out;
  auto bytes = wire_bytes(out.state);
  if (!bytes)
    return fail(bytes.error());
  out.body_bytes = *bytes;
  return out;
}

Status read_page_size(const element& value, Description& out) {
  uint64_t bytes = 0;
  if (value.get(bytes) != simdjson::SUCCESS || !std::has_single_bit(bytes) ||
      bytes < limits::kMinPageSize || bytes > limits::kMaxPageSize)
    return bad(fmt::format("page_size {} is no page size",
                           simdjson::to_string(value)));
  out.page_size = static_cast<uint32_t>(bytes);
  return {};
}

} // namespace

Result<Description> parse_description(std::string_view text) {
  if (text.size() > limits::kMaxDescriptionBytes)
    return bad(fmt::format("{} bytes, above {}", text.size(),
                           limits::kMaxDescriptionBytes));
  simdjson::dom::parser parser(limits::kMaxDescriptionBytes);
  if (auto refused = parser.allocate(text.size(), limits::kMaxDescriptionDepth))
    return bad(simdjson::error_message(refused));
  element root;
  if (auto refused = parser.parse(text.data(), text.size()).get(root))
    return bad(fmt::format("no JSON: {}", simdjson::error_message(refused)));
  array devices;
  if (root["devices"].get(devices) != simdjson::SUCCESS)
    return bad("expected an object with an array \"devices\"");
  Description out;
  element page;
  if (root["page_size"].get(page) == simdjson::SUCCESS)
    if (Status read = read_page_size(page, out); !read)
      return fail(read.error());
  for (const element& device : devices) {
    auto read = read_device(device);
    if (!read)
      return fail(read.error());
    out.devices.push_back(std::move(*read));
  }
  return out;
}

} // namespace migscope::captures
