#include "captures/stream/description.h"

#include "base/byte_order.h"
#include "captures/stream/limits.h"
#include "captures/stream/wire.h"
#include "qmp/json.h"

#include <bit>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

using qmp::Json;

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorKind::malformed, "description: " + std::move(message));
}

// On the wire before a subsection's fields: type byte, counted name, version.
uint64_t subsection_head(std::string_view name) {
  return 1 + 1 + name.size() + 4;
}

Result<uint64_t> body_bytes(const Json& state);

Status add(uint64_t& sum, uint64_t bytes) {
  if (__builtin_add_overflow(sum, bytes, &sum))
    return bad("sizes add up to more than 64 bits hold");
  return {};
}

// `size` counts one element with everything in it, nested state included.
Result<uint64_t> field_bytes(const Json& field) {
  auto size = field.get("size").as_uint();
  if (!size)
    return bad(fmt::format("field \"{}\" has no size",
                           field.get("name").as_string().value_or("")));
  uint64_t elements = 1;
  if (Json length = field.get("array_len"); !length.is_null()) {
    auto count = length.as_uint();
    if (!count)
      return bad("array_len is no count");
    elements = *count;
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(*size, elements, &bytes))
    return bad("a field of more bytes than 64 bits hold");
  return bytes;
}

Status add_subsection(uint64_t& sum, const Json& subsection) {
  auto name = subsection.get("vmsd_name").as_string();
  if (!name)
    return bad("a subsection has no name");
  auto body = body_bytes(subsection);
  if (!body)
    return fail(body.error());
  if (Status added = add(sum, subsection_head(*name)); !added)
    return added;
  return add(sum, *body);
}

// Of a device or subsection: its fields, then its subsections.
Result<uint64_t> body_bytes(const Json& state) {
  if (!state.get("fields").is_array())
    return bad("a device or subsection has no fields");
  uint64_t sum = 0;
  for (const Json& field : state.get("fields").elements()) {
    auto bytes = field_bytes(field);
    if (!bytes)
      return bytes;
    if (Status added = add(sum, *bytes); !added)
      return fail(added.error());
  }
  for (const Json& subsection : state.get("subsections").elements())
    if (Status added = add_subsection(sum, subsection); !added)
      return fail(added.error());
  return sum;
}

Result<DescribedDevice> read_device(const Json& device) {
  auto name = device.get("name").as_string();
  auto instance = device.get("instance_id").as_uint();
  if (!name || !instance || *instance > UINT32_MAX)
    return bad("a device has no name or no instance_id");
  // Handlers without a vmstate have one field that says no more than `size`.
  auto opaque = device.get("size").as_uint();
  auto bytes = opaque ? Result<uint64_t>(*opaque) : body_bytes(device);
  if (!bytes)
    return fail(bytes.error());
  return DescribedDevice{*name, static_cast<uint32_t>(*instance), *bytes};
}

} // namespace

Result<Description> parse_description(std::string_view text) {
  auto root = Json::parse(text);
  if (!root)
    return fail(root.error());
  if (!root->get("devices").is_array())
    return bad("expected an object with an array \"devices\"");
  Description out;
  if (Json page = root->get("page_size"); !page.is_null()) {
    auto bytes = page.as_uint();
    if (!bytes || !std::has_single_bit(*bytes) ||
        *bytes < limits::kMinPageSize || *bytes > limits::kMaxPageSize)
      return bad("page_size " + page.dump() + " is no page size");
    out.page_size = static_cast<uint32_t>(*bytes);
  }
  for (const Json& device : root->get("devices").elements()) {
    auto read = read_device(device);
    if (!read)
      return fail(read.error());
    out.devices.push_back(std::move(*read));
  }
  return out;
}

std::optional<std::string_view>
find_description(std::span<const std::byte> tail) {
  constexpr size_t kHead = 1 + 1 + 4; // EOF, type, length
  for (size_t text = tail.size(); text-- > kHead;) {
    const std::byte* head = tail.data() + text - kHead;
    if (tail[text] == std::byte{'{'} && head[0] == std::byte{wire::kEof} &&
        head[1] == std::byte{wire::kVmDescription} &&
        load_be<uint32_t>(head + 2) == tail.size() - text)
      return std::string_view(reinterpret_cast<const char*>(tail.data() + text),
                              tail.size() - text);
  }
  return {};
}

} // namespace migscope::captures
