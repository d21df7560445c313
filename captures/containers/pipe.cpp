#include "captures/containers/pipe.h"

#include "captures/containers/shared_buffers.h"

#include <cerrno>

namespace migscope::captures {
namespace {

constexpr size_t kPipeBytes = 1u << 20;

class Pipe final : public ByteSource {
public:
  Pipe(FileDescriptor fd, std::string name)
      : fd_(std::move(fd)), name_(std::move(name)) {}

  std::optional<uint64_t> bytes() const override { return {}; }

  // A pipe gives 64 KiB at a time: pages would lie across pieces too often.
  Result<std::span<const std::byte>> next() override {
    buffer_.reset();
    buffer_ = buffers_.take();
    auto room = page_aligned(*buffer_, kPipeBytes);
    size_t have = 0;
    while (have < kPipeBytes && !ended_ && !error_)
      have += read(room.subspan(have));
    if (have == 0 && error_)
      return fail(*error_);
    return room.first(have);
  }
  std::shared_ptr<const void> keep() const override { return buffer_; }

  Result<std::vector<std::byte>> tail(size_t) override {
    return std::vector<std::byte>();
  }

private:
  size_t read(std::span<std::byte> room) {
    ssize_t got = ::read(fd_.get(), room.data(), room.size());
    if (got < 0 && errno != EINTR)
      error_ = fail_errno("read " + name_, errno).value();
    ended_ = got == 0;
    return got > 0 ? static_cast<size_t>(got) : 0;
  }

  FileDescriptor fd_;
  std::string name_;
  SharedBuffers buffers_;
  SharedBuffer buffer_;
  std::optional<Error> error_;
  bool ended_ = false;
};

} // namespace

std::unique_ptr<ByteSource> pipe_source(FileDescriptor fd, std::string name) {
  return std::make_unique<Pipe>(std::move(fd), std::move(name));
}

} // namespace migscope::captures
