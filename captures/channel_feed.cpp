#include "captures/channel_feed.h"

namespace migscope::captures {

std::span<const std::byte> ChannelFeed::next() {
  if (!head_given_) {
    head_given_ = true;
    if (!channel_.head.empty()) {
      channel_.bytes += channel_.head.size();
      in_head_ = true;
      return channel_.head;
    }
  }
  in_head_ = false;
  auto piece = channel_.source->next();
  if (!piece) {
    fail_with(piece.error());
    return {};
  }
  channel_.bytes += piece->size();
  return *piece;
}

std::shared_ptr<const void> ChannelFeed::keep() const {
  return in_head_ ? nullptr : channel_.source->keep();
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
