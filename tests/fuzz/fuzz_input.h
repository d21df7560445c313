// What every fuzz target needs: options taken from the front of its input, the
// rest in pieces, and a way to stop at a broken promise.
//
// A target's input is a few option bytes, which its file explains, and then
// the bytes for the parser. Missing option bytes are zero.
#pragma once

#include "base/byte_order.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

namespace migscope::fuzz {

// Ends the process, as the sanitizers do, where `good` is false.
inline void require(bool good, const char* promise) {
  if (good)
    return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

class FuzzInput {
public:
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const std::byte*>(data), size) {}

  uint8_t u8() { return integer<uint8_t>(); }
  uint16_t be16() { return integer<uint16_t>(); }
  // At most `count` bytes.
  std::span<const std::byte> take(size_t count) {
    auto out = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(out.size());
    return out;
  }
  [[nodiscard]] std::span<const std::byte> rest() const { return rest_; }

private:
  template <typename T>
  T integer() {
    auto field = take(sizeof(T));
    return field.size() == sizeof(T) ? load_be<T>(field.data()) : T{};
  }

  std::span<const std::byte> rest_;
};

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Cuts bytes in pieces of 1 byte up to 32 KiB. The low four bits of `how` bound
// their sizes, the others vary them.
class Cutter {
public:
  explicit Cutter(uint8_t how)
      : state_(how + 1u), most_(size_t{1} << (how & 0xf)) {}

  // A copy of exactly that size lets the address sanitizer see overruns. Empty
  // when nothing is left in `bytes`, which is moved on.
  std::vector<std::byte> next(std::span<const std::byte>& bytes) {
    state_ = state_ * 1664525 + 1013904223;
    size_t size = std::min((state_ >> 16) % most_ + 1, bytes.size());
    std::vector<std::byte> piece(bytes.begin(), bytes.begin() + size);
    bytes = bytes.subspan(size);
    return piece;
  }

private:
  uint32_t state_;
  size_t most_;
};

// One number for all that was told, in its order (FNV-1a).
class Digest {
public:
  Digest& add(std::span<const std::byte> bytes) {
    add(uint64_t{bytes.size()});
    for (std::byte b : bytes)
      mix(std::to_integer<uint64_t>(b));
    return *this;
  }
  Digest& add(std::string_view text) {
    return add(std::as_bytes(std::span(text)));
  }
  Digest& add(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8)
      mix((value >> shift) & 0xff);
    return *this;
  }
  [[nodiscard]] uint64_t value() const { return hash_; }

private:
  void mix(uint64_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3; }

  uint64_t hash_ = 0xcbf29ce484222325;
};

} // namespace migscope::fuzz
