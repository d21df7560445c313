#include "captures/containers/qcow2_state.h"

#include "captures/containers/qcow2_map.h"
#include "captures/stream/limits.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

using Piece = Result<std::span<const std::byte>>;

constexpr size_t kHolePieceBytes = 1u << 20;
// Enough for the header and the configuration, which names the capability.
constexpr size_t kConfigurationBytes = 4096;

class Qcow2State final : public ByteSource {
public:
  Qcow2State(Mapping file, Qcow2Map map, std::string name,
             std::vector<Error> remarks)
      : file_(std::make_shared<Mapping>(std::move(file))), map_(map),
        name_(std::move(name)), remarks_(std::move(remarks)) {}

  std::optional<uint64_t> bytes() const override { return map_.bytes(); }
  std::span<const Error> remarks() const override { return remarks_; }
  Piece next() override;
  std::shared_ptr<const void> keep() const override {
    return in_hole_ ? nullptr : file_;
  }
  bool skip(uint64_t bytes) override;
  Result<std::vector<std::byte>> tail(size_t most) override;

private:
  Piece piece_at(uint64_t position);

  std::shared_ptr<const Mapping> file_;
  Qcow2Map map_;
  std::string name_;
  std::vector<Error> remarks_;
  std::vector<std::byte> zeros_; // a piece of a hole
  uint64_t at_ = 0;
  uint64_t data_ = 0, holes_ = 0; // given so far
  bool in_hole_ = false;          // the piece that was given last is of one
};

// As far as it stands in one piece in the file.
Piece Qcow2State::piece_at(uint64_t position) {
  auto first = map_.run_at(position);
  if (!first) {
    Error error = first.error();
    error.where = name_;
    return fail(error);
  }
  if (!first->offset) {
    zeros_.resize(kHolePieceBytes);
    return std::span<const std::byte>(zeros_).first(
        std::min<uint64_t>(first->bytes, zeros_.size()));
  }
  uint64_t bytes = first->bytes;
  while (bytes < kMappedPieceBytes && position + bytes < map_.bytes()) {
    auto run = map_.run_at(position + bytes);
    if (!run || run->offset != *first->offset + bytes)
      break;
    bytes += run->bytes;
  }
  return file_->bytes().subspan(*first->offset, bytes);
}

Piece Qcow2State::next() {
  if (at_ == map_.bytes())
    return std::span<const std::byte>();
  auto piece = piece_at(at_);
  if (!piece)
    return piece;
  in_hole_ = piece->data() == zeros_.data();
  (in_hole_ ? holes_ : data_) += piece->size();
  // Tables that name the same cluster again and again would never end.
  if (data_ > file_->bytes().size() || holes_ > limits::kMaxStateHoles)
    return fail({ErrorKind::malformed,
                 fmt::format("expected a saved state no larger than its image "
                             "of {} bytes, found {} bytes and {} of holes",
                             file_->bytes().size(), data_, holes_),
                 name_,
                 {}});
  at_ += piece->size();
  return piece;
}

bool Qcow2State::skip(uint64_t bytes) {
  if (bytes > map_.bytes() - at_)
    return false;
  at_ += bytes;
  return true;
}

Result<std::vector<std::byte>> Qcow2State::tail(size_t most) {
  std::vector<std::byte> out;
  uint64_t position = map_.bytes() - std::min<uint64_t>(most, map_.bytes());
  while (position < map_.bytes()) {
    auto piece = piece_at(position);
    if (!piece)
      return fail(piece.error());
    out.insert(out.end(), piece->begin(), piece->end());
    position += piece->size();
  }
  return out;
}

// QEMU 11.1 can save with mapped-ram, and then gives the bytes that it wrote as
// size, not where they end.
bool is_mapped_ram(std::span<const std::byte> state) {
  constexpr std::string_view kCapability = "mapped-ram";
  std::string_view text(reinterpret_cast<const char*>(state.data()),
                        std::min(state.size(), kConfigurationBytes));
  return text.find(kCapability) != text.npos;
}

} // namespace

Result<std::unique_ptr<ByteSource>>
qcow2_state(Mapping file, const std::string& name,
            const std::optional<std::string>& snapshot) {
  auto in_file = [&](Error error) {
    error.where = name;
    return fail(std::move(error));
  };
  auto image = parse_qcow2(file.bytes());
  if (!image)
    return in_file(image.error());
  auto picked = pick_snapshot(*image, snapshot);
  if (!picked)
    return in_file(picked.error());
  auto map = Qcow2Map::of(file.bytes(), *image, *picked);
  if (!map)
    return in_file(map.error());
  if (auto start = map->run_at(0);
      start && start->offset &&
      is_mapped_ram(file.bytes().subspan(*start->offset, start->bytes)))
    map->take_all();
  std::vector<Error> remarks;
  if (image->corrupt)
    remarks.push_back({ErrorKind::malformed,
                       "QEMU has marked the qcow2 image as corrupt",
                       name,
                       {}});
  return std::make_unique<Qcow2State>(std::move(file), *map, name,
                                      std::move(remarks));
}

} // namespace migscope::captures
