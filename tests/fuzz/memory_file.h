// A file that a reader can open by its path, and that is only in memory.
#pragma once

#include "tests/fuzz/fuzz_input.h"

#include <filesystem>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace migscope::fuzz {

class MemoryFile {
public:
  explicit MemoryFile(std::span<const std::byte> bytes)
      : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0 && ::write(fd_, bytes.data(), bytes.size()) ==
                            static_cast<ssize_t>(bytes.size()),
            "there is room for a file in memory");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(fd_);
  }

private:
  int fd_;
};

} // namespace migscope::fuzz
