#include "captures/session/file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace migscope::captures {

File::File(int fd, const std::filesystem::path& path)
    : fd_(fd), name_(path.string()) {}

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(other.size_),
      name_(std::move(other.name_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  std::swap(name_, other.name_);
  return *this;
}

File::~File() {
  if (fd_ >= 0)
    ::close(fd_);
}

Result<File> File::create(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_errno("create " + path.string(), errno);
  return File(fd, path);
}

Result<File> File::open(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fail_errno("open " + path.string(), errno);
  File file(fd, path);
  struct stat info {};
  if (::fstat(fd, &info) != 0)
    return fail_errno("stat " + path.string(), errno);
  if (!S_ISREG(info.st_mode))
    return fail(Error{ErrorKind::usage, "not a regular file", file.name_});
  file.size_ = static_cast<uint64_t>(info.st_size);
  return file;
}

Status File::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno("write " + name_, errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status File::truncate(uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
    return fail_errno("truncate " + name_, errno);
  return {};
}

Status File::close() {
  if (::close(std::exchange(fd_, -1)) != 0)
    return fail_errno("close " + name_, errno);
  return {};
}

Result<size_t> File::read_at(uint64_t offset, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    ssize_t n = ::pread(fd_, out.data() + done, out.size() - done,
                        static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno("read " + name_, errno);
    if (n == 0)
      break;
    done += static_cast<size_t>(n);
  }
  return done;
}

Result<std::string> read_file(const std::filesystem::path& path,
                              uint64_t most_bytes) {
  auto file = File::open(path);
  if (!file)
    return fail(file.error());
  if (file->size() > most_bytes)
    return fail({ErrorKind::unsupported,
                 "it has more than " + std::to_string(most_bytes) + " bytes",
                 path.string(),
                 {}});
  std::string text(file->size(), '\0');
  auto read = file->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!read)
    return fail(read.error());
  text.resize(*read);
  return text;
}

Status replace_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path temporary = path.string() + ".new";
  std::error_code error;
  std::filesystem::remove(temporary, error); // left by a run that was killed
  auto file = File::create(temporary);
  if (!file)
    return fail(file.error());
  Status ok = file->write(std::as_bytes(std::span(text)));
  if (ok)
    ok = file->close();
  if (ok) {
    std::filesystem::rename(temporary, path, error);
    if (!error)
      return {};
    ok = fail_errno("rename to " + path.string(), error.value());
  }
  std::filesystem::remove(temporary, error);
  return ok;
}

} // namespace migscope::captures
