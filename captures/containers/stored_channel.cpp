#include "captures/containers/stored_channel.h"

#include "captures/session/channel_reader.h"

namespace migscope::captures {
namespace {

class StoredChannel final : public ByteSource {
public:
  explicit StoredChannel(std::unique_ptr<ChannelReader> reader)
      : reader_(std::move(reader)) {}

  std::optional<uint64_t> bytes() const override { return reader_->bytes(); }
  std::span<const Chunk> chunks() const override { return reader_->chunks(); }

  Result<std::span<const std::byte>> next() override {
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
