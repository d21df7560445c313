#include "captures/sources.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace migscope::captures {
namespace {

namespace fs = std::filesystem;

using Piece = Result<std::span<const std::byte>>;

// Pieces of a mapped file: large enough to cost nothing, small enough that a
// consumer can be asked now and then whether to go on.
constexpr size_t kPieceBytes = 4u << 20;
constexpr size_t kPipeBytes = 1u << 20;

class FileDescriptor {
public:
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

class MappedFile final : public ByteSource {
public:
  MappedFile(const std::byte* data, size_t size) : data_(data), size_(size) {}
  ~MappedFile() override {
    if (size_)
      munmap(const_cast<std::byte*>(data_), size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::optional<uint64_t> bytes() const override { return size_; }

  Piece next() override {
    std::span piece(data_ + at_, std::min(kPieceBytes, size_ - at_));
    at_ += piece.size();
    return piece;
  }

  Result<std::vector<std::byte>> tail(size_t most) override {
    size_t count = std::min(most, size_);
    return std::vector<std::byte>(data_ + size_ - count, data_ + size_);
  }

private:
  const std::byte* data_;
  size_t size_;
  size_t at_ = 0;
};

class Pipe final : public ByteSource {
public:
  Pipe(FileDescriptor fd, std::string name)
      : fd_(std::move(fd)), name_(std::move(name)) {}

  std::optional<uint64_t> bytes() const override { return {}; }

  Piece next() override {
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

class StoredChannel final : public ByteSource {
public:
  explicit StoredChannel(std::unique_ptr<ChannelReader> reader)
      : reader_(std::move(reader)) {}

  std::optional<uint64_t> bytes() const override { return reader_->bytes(); }
  std::span<const Chunk> chunks() const override { return reader_->chunks(); }

  Piece next() override {
    while (next_ < reader_->pieces()) {
      if (auto s = reader_->read_piece(next_, piece_); !s)
        return fail(s.error());
      ++next_;
      if (!piece_.empty())
        return std::span<const std::byte>(piece_);
    }
    if (reader_->torn())
      return fail(*reader_->torn());
    return std::span<const std::byte>();
  }

  Result<std::vector<std::byte>> tail(size_t most) override {
    std::vector<std::byte> out, piece;
    for (size_t i = reader_->pieces(); i-- > 0 && out.size() < most;) {
      if (auto s = reader_->read_piece(i, piece); !s)
        return fail(s.error());
      out.insert(out.begin(), piece.begin(), piece.end());
    }
    if (out.size() > most)
      out.erase(out.begin(),
                out.begin() + static_cast<ptrdiff_t>(out.size() - most));
    return out;
  }

private:
  std::unique_ptr<ChannelReader> reader_;
  std::vector<std::byte> piece_;
  size_t next_ = 0;
};

Result<std::unique_ptr<ByteSource>> map_file(int fd, size_t size,
                                             const fs::path& path) {
  if (size == 0)
    return std::make_unique<MappedFile>(nullptr, 0);
  void* at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED)
    return fail_errno("map " + path.string(), errno);
  madvise(at, size, MADV_SEQUENTIAL);
  return std::make_unique<MappedFile>(static_cast<const std::byte*>(at), size);
}

bool starts_like_zstd(int fd) {
  unsigned char head[4] = {};
  if (pread(fd, head, sizeof head, 0) != sizeof head)
    return false;
  bool frame =
      head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd;
  bool skippable = (head[0] & 0xf0) == 0x50 && head[1] == 0x2a &&
                   head[2] == 0x4d && head[3] == 0x18;
  return frame || skippable;
}

// N of channel-N.zst. Numbers may be missing: a connection that the
// destination refused has none.
std::optional<int> channel_number(const std::string& name) {
  constexpr std::string_view kHead = "channel-", kTail = ".zst";
  if (!name.starts_with(kHead) || !name.ends_with(kTail))
    return {};
  const char* begin = name.data() + kHead.size();
  const char* end = name.data() + name.size() - kTail.size();
  int number = 0;
  auto [stop, error] = std::from_chars(begin, end, number);
  bool whole = error == std::errc() && stop == end && begin != end;
  return whole ? std::optional(number) : std::nullopt;
}

std::vector<RecordedChannel> session_channels(const fs::path& session) {
  std::map<int, RecordedChannel> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(session, ignored)) {
    std::string name = entry.path().filename().string();
    auto number = channel_number(name);
    if (!number)
      continue;
    RecordedChannel channel{name, entry.path()};
    fs::path back = session / fmt::format("channel-{}.return.zst", *number);
    if (fs::exists(back, ignored))
      channel.return_path = back;
    found[*number] = std::move(channel);
  }
  std::vector<RecordedChannel> out;
  for (auto& [number, channel] : found)
    out.push_back(std::move(channel));
  return out;
}

} // namespace

Result<std::unique_ptr<ByteSource>> open_source(const fs::path& path) {
  bool standard_input = path == "-";
  FileDescriptor fd(standard_input
                        ? dup(STDIN_FILENO)
                        : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0)
    return fail_errno("open " + path.string(), errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0)
    return fail_errno("stat " + path.string(), errno);
  if (!S_ISREG(info.st_mode))
    return std::make_unique<Pipe>(std::move(fd), path.string());
  if (!standard_input && starts_like_zstd(fd.get())) {
    auto reader = ChannelReader::open(path);
    if (!reader)
      return fail(reader.error());
    return std::make_unique<StoredChannel>(std::move(*reader));
  }
  return map_file(fd.get(), static_cast<size_t>(info.st_size), path);
}

Result<Recording> open_recording(const fs::path& path) {
  Recording out;
  out.path = path;
  std::error_code ignored;
  if (path == "-" ||
      (fs::exists(path, ignored) && !fs::is_directory(path, ignored))) {
    out.channels.push_back({path.filename().string(), path});
    return out;
  }
  auto manifest = read_manifest(path);
  if (!manifest)
    return fail(manifest.error());
  out.manifest = std::move(*manifest);
  if (fs::path log = path / "monitor.jsonl.zst"; fs::exists(log, ignored))
    out.monitor_log = log;
  out.channels = session_channels(path);
  return out;
}

} // namespace migscope::captures
