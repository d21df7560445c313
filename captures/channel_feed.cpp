#include "captures/channel_feed.h"

namespace migscope::captures {

std::span<const std::byte> ChannelFeed::next() {
  if (!head_given_) {
    head_given_ = true;
    if (!channel_.head.empty()) {
      channel_.bytes += channel_.head.size();
      return channel_.head;
    }
  }
  auto piece = channel_.source->next();
  if (!piece) {
    fail_with(piece.error());
    return {};
  }
  channel_.bytes += piece->size();
  return *piece;
}

void ChannelFeed::drain() {
  while (!next().empty()) {
  }
}

void ChannelFeed::fail_with(const Error& error) {
  if (!channel_.error)
    channel_.error = error;
}

} // namespace migscope::captures
