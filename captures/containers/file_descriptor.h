// Closes what was opened.
#pragma once

#include <unistd.h>
#include <utility>

namespace migscope::captures {

class FileDescriptor {
public:
  // Takes it; a negative one is none.
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;

  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

} // namespace migscope::captures
