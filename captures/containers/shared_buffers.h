// Buffers for the pieces of a stream, used again when nobody holds them.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
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

} // namespace migscope::captures
