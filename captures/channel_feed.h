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
  // Keeps that piece where it is; null where nothing does.
  [[nodiscard]] std::shared_ptr<const void> keep() const;
  // Counts what is left without looking at it.
  void drain();
  // Keeps the first error.
  void fail_with(const Error& error);

private:
  OpenChannel& channel_;
  bool head_given_ = false;
  bool in_head_ = false; // the piece that was given last is the head
};

// Everything, through a decoder that tells `events`. After its error the rest
// is only counted.
template <typename Decoder>
[[nodiscard]] Status decode_all(ChannelFeed& feed, Decoder& decoder,
                                StreamEvents& events) {
  for (auto piece = feed.next(); !piece.empty(); piece = feed.next()) {
    events.on_piece(piece, feed.keep());
    if (Status fed = decoder.feed(piece); !fed) {
      feed.drain();
      return fed;
    }
  }
  return decoder.finish();
}

template <typename Decoder>
[[nodiscard]] Status decode_all(ChannelFeed& feed, Decoder& decoder) {
  StreamEvents nobody;
  return decode_all(feed, decoder, nobody);
}

} // namespace migscope::captures
