#include "captures/containers/mapped_file.h"

#include "base/task_pool.h"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>

namespace migscope::captures {
namespace {

// What Linux maps at a page fault, of what is in the page cache (5.10 to 6.18,
// fault_around_bytes).
constexpr size_t kFaultBytes = 64u << 10;
constexpr size_t kMostAhead = 16;

// Forgotten as soon as nobody holds it, by the thread that was last to: at the
// end it would take as long, while nothing else is left to do.
class MappedPiece {
public:
  MappedPiece(std::shared_ptr<const Mapping> file,
              std::span<const std::byte> bytes)
      : file_(std::move(file)), bytes_(bytes) {}
  ~MappedPiece() { file_->forget(bytes_); }
  MappedPiece(const MappedPiece&) = delete;
  MappedPiece& operator=(const MappedPiece&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  // So that who looks at it meets no page faults.
  void touch() const {
    for (size_t at = 0; at < bytes_.size(); at += kFaultBytes)
      static_cast<void>(*static_cast<const volatile std::byte*>(&bytes_[at]));
  }

private:
  std::shared_ptr<const Mapping> file_;
  std::span<const std::byte> bytes_;
};

class MappedSource final : public ByteSource {
public:
  explicit MappedSource(Mapping file)
      : file_(std::make_shared<Mapping>(std::move(file))) {}

  std::optional<uint64_t> bytes() const override {
    return file_->bytes().size();
  }
  std::shared_ptr<const void> keep() const override { return given_; }
  void read_ahead(TaskPool& pool) override { pool_ = &pool; }
  Result<std::span<const std::byte>> next() override;

  bool skip(uint64_t bytes) override {
    if (bytes > file_->bytes().size() - at_)
      return false;
    at_ = begun_ = at_ + bytes;
    ahead_.clear();
    return true;
  }

  Result<std::vector<std::byte>> tail(size_t most) override {
    auto all = file_->bytes();
    auto last = all.last(std::min(most, all.size()));
    return std::vector<std::byte>(last.begin(), last.end());
  }

private:
  struct Ahead {
    std::shared_ptr<const MappedPiece> piece;
    TaskPool::Handle touched; // null where nobody does
  };

  void begin();

  std::shared_ptr<const Mapping> file_;
  size_t at_ = 0;
  TaskPool* pool_ = nullptr;
  std::deque<Ahead> ahead_;
  size_t begun_ = 0; // where they end
  std::shared_ptr<const MappedPiece> given_;
};

void MappedSource::begin() {
  auto left = file_->bytes().subspan(begun_);
  auto piece = std::make_shared<const MappedPiece>(
      file_, left.first(std::min(kMappedPieceBytes, left.size())));
  begun_ += piece->bytes().size();
  ahead_.push_back({piece, nullptr});
  if (pool_ && pool_->threads() > 1)
    ahead_.back().touched = pool_->start([piece] { piece->touch(); });
}

Result<std::span<const std::byte>> MappedSource::next() {
  given_.reset();
  size_t most = pool_ ? std::min(pool_->threads(), kMostAhead) : 1;
  while (ahead_.size() < most && begun_ < file_->bytes().size())
    begin();
  if (ahead_.empty())
    return std::span<const std::byte>();
  Ahead first = std::move(ahead_.front());
  ahead_.pop_front();
  if (first.touched)
    pool_->wait(first.touched);
  given_ = std::move(first.piece);
  at_ += given_->bytes().size();
  return given_->bytes();
}

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

void Mapping::forget(std::span<const std::byte> bytes) const {
  // Whole pages, of which the neighbours' bytes are mapped again when they are
  // looked at.
  auto page_bytes = static_cast<size_t>(getpagesize());
  auto before = static_cast<size_t>(bytes.data() - bytes_.data()) % page_bytes;
  madvise(const_cast<std::byte*>(bytes.data()) - before, bytes.size() + before,
          MADV_DONTNEED);
}

Mapping::Mapping(Mapping&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})) {}

std::unique_ptr<ByteSource> mapped_source(Mapping file) {
  return std::make_unique<MappedSource>(std::move(file));
}

} // namespace migscope::captures
