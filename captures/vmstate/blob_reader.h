// Builds values field by field where a layout is known from QEMU's source, not
// from a description.
#pragma once

#include "captures/vmstate/values.h"

namespace migscope::captures {

// The first read that finds too little makes all further ones do nothing and
// give zero. Names are literals.
class BlobReader {
public:
  BlobReader(std::span<const std::byte> blob, uint64_t offset)
      : blob_(blob), origin_(offset) {}

  // An unsigned integer of 1, 2, 4 or 8 bytes.
  uint64_t integer(std::string_view name, size_t size);
  uint64_t features(std::string_view name, size_t size);
  void boolean(std::string_view name);
  void bytes(std::string_view name, uint64_t size); // none of no bytes
  // `count` integers of `size` bytes each; none where there are none.
  void words(std::string_view name, size_t count, size_t size);
  void skip(size_t size) { (void)take(size); }
  // The next bytes, left where they are; empty where they are too few.
  [[nodiscard]] std::span<const std::byte> peek(size_t size) const;

  // What is read while it lives goes into a structure or array of that name.
  class Open {
  public:
    explicit Open(BlobReader& in) : in_(in) {}
    ~Open() { in_.close(); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

  private:
    BlobReader& in_;
  };
  [[nodiscard]] Open open(std::string_view name, ValueKind kind,
                          std::string_view type = "struct");

  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] size_t left() const { return blob_.size() - at_; }
  [[nodiscard]] bool is_short() const { return short_; }
  [[nodiscard]] std::vector<Value> take() { return std::move(top_); }

private:
  std::span<const std::byte> take(uint64_t size);
  Value& add(std::string_view name, std::string_view type, ValueKind kind);
  void close();

  std::span<const std::byte> blob_;
  uint64_t origin_;
  size_t at_ = 0;
  bool short_ = false;
  std::vector<Value> top_;
  std::vector<Value> open_; // outer first
};

} // namespace migscope::captures
