#include "captures/containers/decompressed.h"

namespace migscope::captures {
namespace {

constexpr size_t kPieceBytes = 1u << 20;

class Decompressed final : public ByteSource {
public:
  Decompressed(std::unique_ptr<ByteSource> packed,
               std::unique_ptr<Inflater> inflater, std::string name)
      : packed_(std::move(packed)), inflater_(std::move(inflater)),
        name_(std::move(name)) {}

  std::optional<uint64_t> bytes() const override { return {}; }
  std::span<const Error> remarks() const override { return packed_->remarks(); }
  Result<std::span<const std::byte>> next() override;
  Result<std::vector<std::byte>> tail(size_t) override {
    return std::vector<std::byte>();
  }

private:
  void fetch();
  size_t unpack(std::span<std::byte> out);
  void finish();
  [[nodiscard]] Error error_here(ErrorKind kind, std::string message) const {
    return {kind, std::move(message), name_, packed_->origin() + taken_};
  }

  std::unique_ptr<ByteSource> packed_;
  std::unique_ptr<Inflater> inflater_;
  std::string name_;
  std::vector<std::byte> out_ = std::vector<std::byte>(kPieceBytes);
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

Result<std::span<const std::byte>> Decompressed::next() {
  size_t made = 0;
  while (made < out_.size() && !done_) {
    if (in_.empty() && !no_more_in_)
      fetch();
    made += unpack(std::span(out_).subspan(made));
  }
  if (made > 0 || !error_)
    return std::span<const std::byte>(out_).first(made);
  return fail(*error_);
}

} // namespace

std::unique_ptr<ByteSource>
decompressed_source(std::unique_ptr<ByteSource> packed,
                    std::unique_ptr<Inflater> inflater, std::string name) {
  return std::make_unique<Decompressed>(std::move(packed), std::move(inflater),
                                        std::move(name));
}

} // namespace migscope::captures
