// A source whose first bytes can be looked at before they are read.
#pragma once

#include "captures/byte_source.h"

#include <memory>

namespace migscope::captures {

class PeekedSource final : public ByteSource {
public:
  // Not null.
  explicit PeekedSource(std::unique_ptr<ByteSource> source);

  // The first bytes, at least `count` of them unless the source ends or fails
  // before; next() tells of that. Copies only what comes in several pieces.
  [[nodiscard]] std::span<const std::byte> peek(size_t count);
  // Takes what is before the stream off it. Fails with kind truncated where
  // there is less, with where the source ends as offset.
  [[nodiscard]] Status drop(uint64_t bytes);
  void remark(Error error) { remarks_.push_back(std::move(error)); }

  [[nodiscard]] std::optional<uint64_t> bytes() const override;
  [[nodiscard]] uint64_t origin() const override;
  // None once bytes are dropped: they count from the first of all.
  [[nodiscard]] std::span<const Chunk> chunks() const override;
  [[nodiscard]] std::span<const Error> remarks() const override {
    return remarks_;
  }
  [[nodiscard]] Result<std::span<const std::byte>> next() override;
  [[nodiscard]] std::shared_ptr<const void> keep() const override;
  void read_ahead(TaskPool& pool) override { source_->read_ahead(pool); }
  [[nodiscard]] bool skip(uint64_t bytes) override;
  [[nodiscard]] Result<std::vector<std::byte>> tail(size_t most) override;

private:
  std::unique_ptr<ByteSource> source_;
  std::vector<Error> remarks_;
  std::vector<std::byte> copy_;     // of the first pieces, if of several
  std::span<const std::byte> head_; // read and not given yet
  std::optional<Error> error_;      // met behind head_
  bool copied_ = false;             // head_, or what was given of it
  bool ended_ = false;              // behind head_ nothing comes
  uint64_t dropped_ = 0;
};

} // namespace migscope::captures
