// The bytes of an opened channel, from the first on, counted.
#pragma once

#include "captures/migration_reader.h"

namespace migscope::captures {

class ChannelFeed {
public:
  // `channel` outlives this and has a source.
  explicit ChannelFeed(OpenChannel& channel) : channel_(channel) {}

  // The next piece, which lives until the next call; empty at the end and after
  // an error, which is then the channel's.
  [[nodiscard]] std::span<const std::byte> next();
  // Counts what is left without looking at it.
  void drain();
  // Keeps the first error.
  void fail_with(const Error& error);

private:
  OpenChannel& channel_;
  bool head_given_ = false;
};

// Everything, through a decoder. After its error the rest is only counted.
template <typename Decoder>
[[nodiscard]] Status decode_all(ChannelFeed& feed, Decoder& decoder) {
  for (auto piece = feed.next(); !piece.empty(); piece = feed.next())
    if (Status fed = decoder.feed(piece); !fed) {
      feed.drain();
      return fed;
    }
  return decoder.finish();
}

} // namespace migscope::captures
