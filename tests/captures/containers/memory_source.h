// A source in memory, in pieces of any size, and what comes out of a source.
#pragma once

#include "captures/byte_source.h"
#include "tests/support/bytes.h"

#include <algorithm>
#include <memory>

namespace migscope::test {

using testing::Bytes;

class MemorySource final : public captures::ByteSource {
public:
  // Each piece is gone when the next one is asked for. After the last comes
  // `error`, if there is one.
  explicit MemorySource(Bytes bytes, size_t piece = SIZE_MAX,
                        std::optional<Error> error = {})
      : bytes_(std::move(bytes)), piece_(piece), error_(std::move(error)) {}

  std::optional<uint64_t> bytes() const override { return bytes_.size(); }
  Result<std::span<const std::byte>> next() override {
    size_t count = std::min(piece_, bytes_.size() - at_);
    if (count == 0 && error_)
      return fail(*error_);
    auto from = bytes_.begin() + static_cast<ptrdiff_t>(at_);
    given_ =
        std::make_unique<Bytes>(from, from + static_cast<ptrdiff_t>(count));
    at_ += count;
    return std::span<const std::byte>(*given_);
  }
  Result<Bytes> tail(size_t most) override {
    return Bytes(bytes_.end() -
                     static_cast<ptrdiff_t>(std::min(most, bytes_.size())),
                 bytes_.end());
  }

private:
  Bytes bytes_;
  size_t piece_;
  std::optional<Error> error_;
  std::unique_ptr<Bytes> given_;
  size_t at_ = 0;
};

struct ReadOut {
  Bytes bytes;
  std::optional<Error> error;
};

// Up to `most` bytes and a piece.
inline ReadOut read_out(captures::ByteSource& source, size_t most = SIZE_MAX) {
  ReadOut out;
  while (out.bytes.size() < most) {
    auto piece = source.next();
    if (!piece)
      out.error = piece.error();
    if (!piece || piece->empty())
      break;
    out.bytes.insert(out.bytes.end(), piece->begin(), piece->end());
  }
  return out;
}

} // namespace migscope::test
