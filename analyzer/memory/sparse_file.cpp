#include "analyzer/memory/sparse_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace migscope::analyzer {

SparseFile::SparseFile(int fd, const std::filesystem::path& name)
    : fd_(fd), name_(name.string()) {}

SparseFile::SparseFile(SparseFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)) {}

SparseFile& SparseFile::operator=(SparseFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(name_, other.name_);
  return *this;
}

SparseFile::~SparseFile() {
  if (fd_ >= 0)
    ::close(fd_);
}

Result<SparseFile> SparseFile::create(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_errno("create " + path.string(), errno);
  return SparseFile(fd, path);
}

Result<SparseFile> SparseFile::scratch(const std::filesystem::path& directory) {
  std::string name = (directory / "migscope-XXXXXX").string();
  int fd = ::mkostemp(name.data(), O_CLOEXEC); // mode 0600
  if (fd < 0)
    return fail_errno("create a file in " + directory.string(), errno);
  ::unlink(name.c_str());
  return SparseFile(fd, name);
}

Status SparseFile::resize(uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0)
    return fail_errno(
        "make " + name_ + " " + std::to_string(bytes) + " bytes long", errno);
  return {};
}

Status SparseFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t n =
        ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno("write " + name_, errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Status SparseFile::read_at(uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    ssize_t n =
        ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno("read " + name_, errno);
    if (n == 0) {
      std::ranges::fill(out, std::byte{0});
      break;
    }
    out = out.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

} // namespace migscope::analyzer
