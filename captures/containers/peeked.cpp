#include "captures/containers/peeked.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {

PeekedSource::PeekedSource(std::unique_ptr<ByteSource> source)
    : source_(std::move(source)) {
  auto remarks = source_->remarks();
  remarks_.assign(remarks.begin(), remarks.end());
}

std::span<const std::byte> PeekedSource::peek(size_t count) {
  while (head_.size() < count && !ended_ && !error_) {
    // The piece that head_ looks into does not outlive the next one.
    std::vector<std::byte> copy(head_.begin(), head_.end());
    auto piece = source_->next();
    if (piece && copy.empty() && !piece->empty()) {
      head_ = *piece;
      continue;
    }
    if (!piece)
      error_ = piece.error();
    else if (piece->empty())
      ended_ = true;
    else
      copy.insert(copy.end(), piece->begin(), piece->end());
    copy_ = std::move(copy);
    head_ = copy_;
    copied_ = true;
  }
  return head_;
}

Status PeekedSource::drop(uint64_t bytes) {
  uint64_t left = bytes;
  while (left > 0) {
    auto first = head_.first(std::min<uint64_t>(left, head_.size()));
    head_ = head_.subspan(first.size());
    left -= first.size();
    if (left == 0 || (head_.empty() && skip(left)))
      break;
    auto piece = next();
    if (!piece)
      return fail(piece.error());
    if (piece->empty())
      return fail({ErrorKind::truncated,
                   fmt::format("{} bytes are missing before the stream", left),
                   {},
                   origin() + bytes - left});
    head_ = *piece;
  }
  dropped_ += bytes;
  return {};
}

std::optional<uint64_t> PeekedSource::bytes() const {
  auto all = source_->bytes();
  return all ? std::optional(*all - dropped_) : std::nullopt;
}

uint64_t PeekedSource::origin() const {
  return source_->origin() + dropped_;
}

std::span<const Chunk> PeekedSource::chunks() const {
  return dropped_ == 0 ? source_->chunks() : std::span<const Chunk>();
}

Result<std::span<const std::byte>> PeekedSource::next() {
  if (!head_.empty())
    return std::exchange(head_, {});
  if (error_)
    return fail(*error_);
  if (ended_)
    return std::span<const std::byte>();
  copied_ = false;
  return source_->next();
}

std::shared_ptr<const void> PeekedSource::keep() const {
  return copied_ ? nullptr : source_->keep();
}

bool PeekedSource::skip(uint64_t bytes) {
  if (bytes >= head_.size()) {
    if (!source_->skip(bytes - head_.size()))
      return false;
    head_ = {};
    return true;
  }
  head_ = head_.subspan(bytes);
  return true;
}

Result<std::vector<std::byte>> PeekedSource::tail(size_t most) {
  auto size = bytes();
  return source_->tail(size ? std::min<uint64_t>(most, *size) : most);
}

} // namespace migscope::captures
