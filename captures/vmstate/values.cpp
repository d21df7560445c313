#include "captures/vmstate/values.h"

#include "captures/vmstate/value_decoder.h"

namespace migscope::captures {

uint64_t unsigned_value(const Value& value) {
  uint64_t out = 0;
  for (std::byte byte : value.bytes)
    out = out << 8 | std::to_integer<uint64_t>(byte);
  return out;
}

int64_t signed_value(const Value& value) {
  if (value.bytes.empty() || value.bytes.size() > 8)
    return 0;
  auto unused = static_cast<unsigned>(64 - 8 * value.bytes.size());
  return static_cast<int64_t>(unsigned_value(value) << unused) >> unused;
}

size_t element_count(const Value& array) {
  return array.element_bytes ? array.bytes.size() / array.element_bytes
                             : array.children.size();
}

Value element(const Value& array, size_t index) {
  if (!array.element_bytes)
    return array.children[index];
  size_t at = index * array.element_bytes;
  Value out;
  out.type = array.type;
  out.kind = array.element_kind;
  out.offset = array.offset + at;
  out.bytes = array.bytes.subspan(at, array.element_bytes);
  return out;
}

DeviceValues decode_values(const DescribedDevice& device,
                           std::span<const std::byte> body, uint64_t offset) {
  ValueDecoder decoder(body, offset);
  decoder.device(device.state);
  return decoder.take();
}

} // namespace migscope::captures
