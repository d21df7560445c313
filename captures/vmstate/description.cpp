#include "captures/vmstate/description.h"

#include "base/byte_order.h"
#include "captures/stream/wire.h"

#include <fmt/format.h>

namespace migscope::captures {
namespace {

// On the wire before a subsection's fields: type byte, counted name, version.
uint64_t subsection_head(std::string_view name) {
  return 1 + 1 + name.size() + 4;
}

Status add(uint64_t& sum, uint64_t bytes) {
  if (__builtin_add_overflow(sum, bytes, &sum))
    return fail(ErrorKind::malformed,
                "description: sizes add up to more than 64 bits hold");
  return {};
}

} // namespace

bool is_pointer_marker(std::string_view type) {
  return type == "nullptr" || type == "ptr-marker";
}

Result<uint64_t> wire_bytes(const DescribedField& field) {
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(field.size, field.array_len.value_or(1), &bytes))
    return fail(ErrorKind::malformed,
                "description: a field of more bytes than 64 bits hold");
  return bytes;
}

Result<uint64_t> wire_bytes(const DescribedState& state) {
  uint64_t sum = 0;
  for (const DescribedField& field : state.fields) {
    auto bytes = wire_bytes(field);
    if (!bytes)
      return bytes;
    if (Status added = add(sum, *bytes); !added)
      return fail(added.error());
  }
  for (const DescribedState& subsection : state.subsections) {
    auto body = wire_bytes(subsection);
    if (!body)
      return body;
    if (Status added = add(sum, subsection_head(subsection.vmsd_name)); !added)
      return fail(added.error());
    if (Status added = add(sum, *body); !added)
      return fail(added.error());
  }
  return sum;
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
