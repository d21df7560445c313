#include "captures/vmstate/blob_reader.h"

#include "captures/vmstate/virtio.h"

namespace migscope::captures {
namespace {

std::string_view integer_type(size_t size) {
  return size == 1   ? "uint8"
         : size == 2 ? "uint16"
         : size == 4 ? "uint32"
                     : "uint64";
}

} // namespace

std::span<const std::byte> BlobReader::peek(size_t size) const {
  if (short_ || size > left())
    return {};
  return blob_.subspan(at_, size);
}

std::span<const std::byte> BlobReader::take(uint64_t size) {
  if (short_ || size > left()) {
    short_ = true;
    return {};
  }
  auto out = blob_.subspan(at_, size);
  at_ += size;
  return out;
}

Value& BlobReader::add(std::string_view name, std::string_view type,
                       ValueKind kind) {
  std::vector<Value>& into = open_.empty() ? top_ : open_.back().children;
  Value& value = into.emplace_back();
  value.name = name;
  value.type = type;
  value.kind = kind;
  value.offset = origin_ + at_;
  return value;
}

uint64_t BlobReader::integer(std::string_view name, size_t size) {
  Value& value = add(name, integer_type(size), ValueKind::unsigned_integer);
  value.bytes = take(size);
  return unsigned_value(value);
}

uint64_t BlobReader::features(std::string_view name, size_t size) {
  Value& value = add(name, kVirtioFeatures, ValueKind::unsigned_integer);
  value.bytes = take(size);
  return unsigned_value(value);
}

void BlobReader::boolean(std::string_view name) {
  Value& value = add(name, "bool", ValueKind::boolean);
  value.bytes = take(1);
}

void BlobReader::bytes(std::string_view name, uint64_t size) {
  if (size == 0)
    return;
  Value& value = add(name, "buffer", ValueKind::bytes);
  value.bytes = take(size);
}

void BlobReader::words(std::string_view name, size_t count, size_t size) {
  Value& value = add(name, integer_type(size), ValueKind::array);
  value.element_kind = ValueKind::unsigned_integer;
  value.element_bytes = static_cast<uint32_t>(size);
  value.bytes = take(count * size);
}

BlobReader::Open BlobReader::open(std::string_view name, ValueKind kind,
                                  std::string_view type) {
  Value value;
  value.name = name;
  value.type = type;
  value.kind = kind;
  value.offset = origin_ + at_;
  open_.push_back(std::move(value));
  return Open(*this);
}

void BlobReader::close() {
  Value value = std::move(open_.back());
  open_.pop_back();
  size_t begin = value.offset - origin_;
  value.bytes = blob_.subspan(begin, at_ - begin);
  std::vector<Value>& into = open_.empty() ? top_ : open_.back().children;
  into.push_back(std::move(value));
}

} // namespace migscope::captures
