// The one way to read binary fields out of bytes that may be hostile.
//
// Every read checks that the bytes are there. A failed read moves nothing and
// says what was needed, what is left and where. Numbers are big-endian, as
// everything in QEMU's stream is.
#pragma once

#include "base/byte_order.h"
#include "base/error.h"

#include <span>
#include <string_view>

namespace migscope {

class ByteCursor {
public:
  // `origin` is the offset of bytes[0] in the file or channel; errors add it.
  explicit ByteCursor(std::span<const std::byte> bytes, uint64_t origin = 0)
      : bytes_(bytes), origin_(origin) {}

  [[nodiscard]] uint64_t offset() const { return origin_ + at_; }
  [[nodiscard]] size_t left() const { return bytes_.size() - at_; }

  // `what` names the field in the error ("section id").
  template <typename T>
  [[nodiscard]] Result<T> be(std::string_view what) {
    if (left() < sizeof(T))
      return fail(short_read(what, sizeof(T)));
    T value = load_be<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return value;
  }

  // A view into the bytes given; it lives as long as they do.
  [[nodiscard]] Result<std::span<const std::byte>> take(size_t count,
                                                        std::string_view what);

  // u8 length, then that many bytes (QEMU's counted string).
  [[nodiscard]] Result<std::string_view> counted_string(std::string_view what);

private:
  [[nodiscard]] Error short_read(std::string_view what, size_t need) const;

  std::span<const std::byte> bytes_;
  uint64_t origin_;
  size_t at_ = 0;
};

} // namespace migscope
