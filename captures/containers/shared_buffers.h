// Buffers for the pieces of a stream, used again when nobody holds them.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace migscope::captures {

using SharedBuffer = std::shared_ptr<std::vector<std::byte>>;

class SharedBuffers {
public:
  // With whatever it held before.
  [[nodiscard]] SharedBuffer take() {
    for (const SharedBuffer& buffer : buffers_)
      if (buffer.use_count() == 1) {
        // After what those did who let go of it.
        std::atomic_thread_fence(std::memory_order_acquire);
        return buffer;
      }
    buffers_.push_back(std::make_shared<std::vector<std::byte>>());
    return buffers_.back();
  }

private:
  std::vector<SharedBuffer> buffers_;
};

// Room for `bytes` in a buffer, for the kernel to copy to: from the begin of a
// page on. Sixteen bytes behind it, where malloc puts what is large, the same
// copy takes four times as long on AMD's Zen 3.
[[nodiscard]] inline std::span<std::byte>
page_aligned(std::vector<std::byte>& buffer, size_t bytes) {
  constexpr size_t kPage = 4096;
  buffer.resize(bytes + kPage);
  void* at = buffer.data();
  size_t room = buffer.size();
  std::align(kPage, bytes, at, room);
  return {static_cast<std::byte*>(at), bytes};
}

} // namespace migscope::captures
