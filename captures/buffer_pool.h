// Buffers to read into, reused: fresh ones cost a page fault per 4 KiB.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace migscope::captures {

inline constexpr size_t kBufferBytes = 256u << 10;
inline constexpr size_t kPooledBuffers = 16;

using Buffer = std::unique_ptr<char[]>; // kBufferBytes

class BufferPool {
public:
  [[nodiscard]] Buffer take() {
    if (free_.empty())
      return std::make_unique_for_overwrite<char[]>(kBufferBytes);
    Buffer buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }

  void give_back(Buffer buffer) {
    if (buffer && free_.size() < kPooledBuffers)
      free_.push_back(std::move(buffer));
  }

private:
  std::vector<Buffer> free_;
};

} // namespace migscope::captures
