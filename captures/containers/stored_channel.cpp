#include "captures/containers/stored_channel.h"

#include "base/task_pool.h"
#include "captures/containers/shared_buffers.h"
#include "captures/session/channel_reader.h"

#include <deque>

namespace migscope::captures {
namespace {

// Of what is read ahead. A frame of another writer may be larger; then it is
// one frame.
constexpr uint64_t kMostAheadBytes = 8u << 20;

// A piece that is read, or being read by a thread of the pool.
struct Ahead {
  SharedBuffer bytes;
  Status read;
  TaskPool::Handle task; // null where it is read already
};

class StoredChannel final : public ByteSource {
public:
  explicit StoredChannel(std::unique_ptr<ChannelReader> reader)
      : reader_(std::move(reader)) {}

  std::optional<uint64_t> bytes() const override { return reader_->bytes(); }
  std::span<const Chunk> chunks() const override { return reader_->chunks(); }
  std::shared_ptr<const void> keep() const override { return given_; }
  void read_ahead(TaskPool& pool) override { pool_ = &pool; }

  Result<std::span<const std::byte>> next() override;
  Result<std::vector<std::byte>> tail(size_t most) override;

private:
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] std::shared_ptr<Ahead> begin(size_t piece);

  std::shared_ptr<const ChannelReader> reader_; // tasks hold it, too
  TaskPool* pool_ = nullptr;
  SharedBuffers buffers_;
  SharedBuffer given_;
  std::deque<std::shared_ptr<Ahead>> ahead_;
  size_t next_ = 0; // piece that nobody has begun
  std::optional<Error> error_;
};

// For the next piece to be begun. One at least is.
bool StoredChannel::has_room() const {
  if (next_ == reader_->pieces())
    return false;
  if (ahead_.empty())
    return true;
  uint64_t bytes = reader_->piece_offset(next_ + 1) -
                   reader_->piece_offset(next_ - ahead_.size());
  return pool_ && ahead_.size() < 2 * pool_->threads() &&
         bytes <= kMostAheadBytes;
}

std::shared_ptr<Ahead> StoredChannel::begin(size_t piece) {
  auto ahead = std::make_shared<Ahead>();
  ahead->bytes = buffers_.take();
  auto read = [ahead, piece, reader = reader_] {
    ahead->read = reader->read_piece(piece, *ahead->bytes);
  };
  if (pool_ && pool_->threads() > 1)
    ahead->task = pool_->start(read);
  else
    read();
  return ahead;
}

Result<std::span<const std::byte>> StoredChannel::next() {
  given_.reset();
  while (!error_) {
    while (has_room())
      ahead_.push_back(begin(next_++));
    if (ahead_.empty() && reader_->torn())
      error_ = *reader_->torn();
    else if (ahead_.empty())
      return std::span<const std::byte>();
    if (error_)
      break;
    auto first = std::move(ahead_.front());
    ahead_.pop_front();
    if (first->task)
      pool_->wait(first->task);
    if (!first->read)
      error_ = first->read.error();
    else if (!first->bytes->empty())
      return std::span<const std::byte>(*(given_ = first->bytes));
  }
  return fail(*error_);
}

Result<std::vector<std::byte>> StoredChannel::tail(size_t most) {
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

} // namespace

Result<std::unique_ptr<ByteSource>>
stored_channel(const std::filesystem::path& path) {
  auto reader = ChannelReader::open(path);
  if (!reader)
    return fail(reader.error());
  const std::optional<Error>& torn = (*reader)->torn();
  if (torn && torn->kind == ErrorKind::unsupported)
    return fail(*torn);
  return std::make_unique<StoredChannel>(std::move(*reader));
}

} // namespace migscope::captures
