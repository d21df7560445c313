// Bytes for tests, from text and out of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

namespace migscope::testing {

using Bytes = std::vector<std::byte>;

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
  Bytes out(text.size());
  for (size_t i = 0; i < text.size(); i++)
    out[i] = static_cast<std::byte>(text[i]);
  return out;
}

inline void write_file(const std::filesystem::path& path,
                       std::span<const std::byte> bytes) {
  // ext4 waits for the disk when a file is replaced by truncating it.
  std::filesystem::remove(path);
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

// The byte at each offset of an endless stream that compresses about as well
// as guest memory: runs of one value between noise.
inline std::byte pattern_at(uint64_t offset) {
  uint64_t x = (offset >> 4) * 0x9E3779B97F4A7C15u;
  if ((x >> 60) < 8)
    return static_cast<std::byte>(x >> 32);
  x ^= offset * 0xBF58476D1CE4E5B9u;
  return static_cast<std::byte>(x >> 40);
}

inline Bytes pattern(uint64_t offset, size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; i++)
    out[i] = pattern_at(offset + i);
  return out;
}

} // namespace migscope::testing
