// A file in memory, of which only what is looked at is read.
#pragma once

#include "captures/byte_source.h"

#include <memory>

namespace migscope::captures {

// Pieces of what is mapped: large enough to cost nothing, small enough that a
// consumer can be asked now and then whether to go on.
inline constexpr size_t kMappedPieceBytes = 4u << 20;

class Mapping {
public:
  // The first `size` bytes of an open file, which need not stay open.
  [[nodiscard]] static Result<Mapping> of(int fd, size_t size,
                                          const std::string& name);
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  // Some of them, which will be read from the file again if they are looked at.
  void forget(std::span<const std::byte> bytes) const;

private:
  explicit Mapping(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

[[nodiscard]] std::unique_ptr<ByteSource> mapped_source(Mapping file);

} // namespace migscope::captures
