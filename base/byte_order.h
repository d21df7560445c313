// Integers as they stand in bytes. The caller has checked that they are there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace migscope {

template <typename T>
T load_be(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (sizeof(T) == 1 || std::endian::native == std::endian::big)
    return value;
  else if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(value));
  else if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(value));
  else
    return static_cast<T>(__builtin_bswap64(value));
}

template <typename T>
T load_le(const std::byte* at) {
  static_assert(std::endian::native == std::endian::little,
                "load_le has only been written for little-endian hosts");
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
void store_le(std::byte* at, T value) {
  static_assert(std::endian::native == std::endian::little,
                "store_le has only been written for little-endian hosts");
  std::memcpy(at, &value, sizeof value);
}

} // namespace migscope
