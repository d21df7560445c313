// What all inflaters have in common: streams one after another, errors that
// stay. For the codecs' own sources only.
#pragma once

#include "captures/codec/inflater.h"

namespace migscope::captures {

// What may stand between two streams of a file.
enum class Padding : uint8_t { none, zeros };

class StreamInflater : public Inflater {
public:
  [[nodiscard]] Result<Progress> inflate(std::span<const std::byte> in,
                                         std::span<std::byte> out) final;
  void reset() final;

protected:
  explicit StreamInflater(Padding padding) : padding_(padding) {}

private:
  // As inflate(), within one stream.
  [[nodiscard]] virtual Result<Progress> step(std::span<const std::byte> in,
                                              std::span<std::byte> out) = 0;
  // The next step() sees the first bytes of a stream.
  virtual void restart() = 0;

  std::optional<Error> error_;
  Padding padding_;
  bool ended_ = false;
};

} // namespace migscope::captures
