#include "captures/containers/pipe.h"

#include <cerrno>

namespace migscope::captures {
namespace {

constexpr size_t kPipeBytes = 1u << 20;

class Pipe final : public ByteSource {
public:
  Pipe(FileDescriptor fd, std::string name)
      : fd_(std::move(fd)), name_(std::move(name)) {}

  std::optional<uint64_t> bytes() const override { return {}; }

  Result<std::span<const std::byte>> next() override {
    for (;;) {
      ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return fail_errno("read " + name_, errno);
      return std::span<const std::byte>(buffer_.data(),
                                        static_cast<size_t>(got));
    }
  }

  Result<std::vector<std::byte>> tail(size_t) override {
    return std::vector<std::byte>();
  }

private:
  FileDescriptor fd_;
  std::string name_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kPipeBytes);
};

} // namespace

std::unique_ptr<ByteSource> pipe_source(FileDescriptor fd, std::string name) {
  return std::make_unique<Pipe>(std::move(fd), std::move(name));
}

} // namespace migscope::captures
