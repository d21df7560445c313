#include "captures/containers/decompressed.h"

#include "base/task_pool.h"
#include "captures/containers/shared_buffers.h"

namespace migscope::captures {
namespace {

constexpr size_t kPieceBytes = 1u << 20;

// What came out; nothing at the end.
struct Unpacked {
  SharedBuffer bytes;
  size_t size = 0;
};

class Decompressed final : public ByteSource {
public:
  Decompressed(std::unique_ptr<ByteSource> packed,
               std::unique_ptr<Inflater> inflater, std::string name)
      : packed_(std::move(packed)), inflater_(std::move(inflater)),
        name_(std::move(name)) {}
  ~Decompressed() override {
    if (task_)
      pool_->wait(task_);
  }

  std::optional<uint64_t> bytes() const override { return {}; }
  std::span<const Error> remarks() const override { return packed_->remarks(); }
  Result<std::span<const std::byte>> next() override;
  std::shared_ptr<const void> keep() const override { return given_.bytes; }
  void read_ahead(TaskPool& pool) override { pool_ = &pool; }
  Result<std::vector<std::byte>> tail(size_t) override {
    return std::vector<std::byte>();
  }

private:
  [[nodiscard]] Unpacked make();
  void begin();
  void fetch();
  size_t unpack(std::span<std::byte> out);
  void finish();
  [[nodiscard]] Error error_here(ErrorKind kind, std::string message) const {
    return {kind, std::move(message), name_, packed_->origin() + taken_};
  }

  std::unique_ptr<ByteSource> packed_;
  std::unique_ptr<Inflater> inflater_;
  std::string name_;
  SharedBuffers buffers_;
  Unpacked given_, ahead_;
  TaskPool* pool_ = nullptr;
  TaskPool::Handle task_; // makes ahead_, and is alone to work on the rest
  std::span<const std::byte> in_; // fetched and not taken yet
  uint64_t taken_ = 0;
  bool no_more_in_ = false;
  bool inside_ = true; // of a member
  bool done_ = false;
  std::optional<Error> error_;
};

void Decompressed::fetch() {
  auto piece = packed_->next();
  if (!piece)
    error_ = piece.error();
  in_ = piece ? *piece : std::span<const std::byte>();
  no_more_in_ = in_.empty();
}

// Bytes made; none where it wants more input or is done.
size_t Decompressed::unpack(std::span<std::byte> out) {
  auto step = inflater_->inflate(in_, out);
  if (!step) {
    error_ = error_here(step.error().kind, step.error().message);
    done_ = true;
    return 0;
  }
  in_ = in_.subspan(step->used);
  taken_ += step->used;
  inside_ = !step->ended;
  if (step->used == 0 && step->made == 0 && no_more_in_)
    finish();
  return step->made;
}

void Decompressed::finish() {
  done_ = true;
  if (inside_ && !error_)
    error_ = error_here(ErrorKind::truncated,
                        "the compressed data ends before its end mark");
}

Unpacked Decompressed::make() {
  Unpacked out{buffers_.take()};
  out.bytes->resize(kPieceBytes);
  while (out.size < kPieceBytes && !done_) {
    if (in_.empty() && !no_more_in_)
      fetch();
    out.size += unpack(std::span(*out.bytes).subspan(out.size));
  }
  return out;
}

void Decompressed::begin() {
  task_ = pool_->start([this] { ahead_ = make(); });
}

// While a piece is worked on, the next one is made.
Result<std::span<const std::byte>> Decompressed::next() {
  given_ = {};
  if (!pool_ || pool_->threads() == 1) {
    given_ = make();
  } else {
    if (!task_)
      begin();
    pool_->wait(task_);
    given_ = std::exchange(ahead_, {});
    begin();
  }
  if (given_.size > 0)
    return std::span<const std::byte>(*given_.bytes).first(given_.size);
  if (task_) // which has nothing more to make
    pool_->wait(task_);
  if (error_)
    return fail(*error_);
  return std::span<const std::byte>();
}

} // namespace

std::unique_ptr<ByteSource>
decompressed_source(std::unique_ptr<ByteSource> packed,
                    std::unique_ptr<Inflater> inflater, std::string name) {
  return std::make_unique<Decompressed>(std::move(packed), std::move(inflater),
                                        std::move(name));
}

} // namespace migscope::captures
