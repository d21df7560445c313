#include "captures/containers/mapped_file.h"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>

namespace migscope::captures {
namespace {

class MappedSource final : public ByteSource {
public:
  explicit MappedSource(Mapping file)
      : file_(std::make_shared<Mapping>(std::move(file))) {}

  std::optional<uint64_t> bytes() const override {
    return file_->bytes().size();
  }
  std::shared_ptr<const void> keep() const override { return file_; }

  Result<std::span<const std::byte>> next() override {
    auto left = file_->bytes().subspan(at_);
    auto piece = left.first(std::min(kMappedPieceBytes, left.size()));
    at_ += piece.size();
    return piece;
  }

  bool skip(uint64_t bytes) override {
    if (bytes > file_->bytes().size() - at_)
      return false;
    at_ += bytes;
    return true;
  }

  Result<std::vector<std::byte>> tail(size_t most) override {
    auto all = file_->bytes();
    auto last = all.last(std::min(most, all.size()));
    return std::vector<std::byte>(last.begin(), last.end());
  }

private:
  std::shared_ptr<const Mapping> file_;
  size_t at_ = 0;
};

} // namespace

Result<Mapping> Mapping::of(int fd, size_t size, const std::string& name) {
  if (size == 0)
    return Mapping({});
  void* at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED)
    return fail_errno("map " + name, errno);
  madvise(at, size, MADV_SEQUENTIAL);
  return Mapping({static_cast<const std::byte*>(at), size});
}

Mapping::~Mapping() {
  if (!bytes_.empty())
    munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Mapping::Mapping(Mapping&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})) {}

std::unique_ptr<ByteSource> mapped_source(Mapping file) {
  return std::make_unique<MappedSource>(std::move(file));
}

} // namespace migscope::captures
