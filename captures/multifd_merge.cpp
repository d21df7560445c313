#include "captures/multifd_merge.h"

#include "captures/stream/window.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace migscope::captures {
namespace {

// The scan goes through the blocks in the order of their list.
auto scan_position(const PageItem& page) {
  return std::pair(page.block, page.address);
}

// Shares `bytes` among `count`, the first ones taking what does not divide.
uint32_t share(uint64_t bytes, size_t count, size_t i) {
  return static_cast<uint32_t>(bytes / count + (i < bytes % count));
}

} // namespace

// One channel: reads on demand, turns packets into pages.
class MultifdMerge::Channel final : public MultifdEvents {
public:
  Channel(MultifdMerge& merge, size_t index)
      : merge_(merge), index_(index), channel_(merge.channels_[index]),
        feed_(channel_), decoder_(*this, merge.page_size_) {}

  // The next packet's pages in this epoch, ascending; none at its end.
  [[nodiscard]] std::span<const PageItem> next();
  // Tells of them.
  void tell_next() {
    merge_.events_.on_channel(index_);
    tell_piece();
    merge_.events_.on_pages(pages_);
    pages_.clear();
  }
  void begin_epoch() { synced_ = false; }

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool whole() const { return !channel_.error && !damaged_; }
  [[nodiscard]] uint64_t syncs() const { return syncs_; }
  [[nodiscard]] size_t index() const { return index_; }

  void on_hello(const MultifdHello& hello) override {
    channel_.multifd_id = hello.id;
  }
  void on_packet(const MultifdPacket& packet) override;
  void on_sync(uint64_t /*offset*/) override {
    told_ = synced_ = true;
    ++syncs_;
  }
  void on_device_state(const MultifdDeviceState& state) override {
    merge_.events_.on_device_packet(state);
  }
  void on_damage(const Damage& damage) override {
    damaged_ = true;
    merge_.events_.on_damage(damage);
  }
  void on_problem(uint64_t offset, std::string_view message) override {
    merge_.events_.on_problem(offset, message);
  }

private:
  void tell_piece() { merge_.events_.on_piece(piece_, feed_.keep()); }
  void finish() {
    ended_ = true;
    if (Status done = decoder_.finish(); !done)
      feed_.fail_with(done.error());
  }
  void give_up(const Error& error) {
    ended_ = true;
    feed_.fail_with(error);
    feed_.drain();
  }
  void leave_out(const MultifdPacket& packet, const std::string& why);
  [[nodiscard]] bool add_pages(const MultifdPacket& packet, uint32_t block);

  MultifdMerge& merge_;
  size_t index_;
  OpenChannel& channel_;
  ChannelFeed feed_;
  MultifdDecoder decoder_;
  std::span<const std::byte> piece_; // that feed_ gave last
  std::span<const std::byte> rest_;  // of it
  std::vector<PageItem> pages_;      // of one packet
  uint64_t syncs_ = 0;
  bool told_ = false; // a packet, by the decoder
  bool synced_ = false;
  bool ended_ = false;
  bool damaged_ = false;
};

std::span<const PageItem> MultifdMerge::Channel::next() {
  if (pages_.empty() && !synced_ && !ended_) {
    merge_.events_.on_channel(index_); // of what is told meanwhile
    tell_piece();
  }
  while (pages_.empty() && !synced_ && !ended_) {
    if (rest_.empty()) {
      rest_ = piece_ = feed_.next();
      tell_piece();
    }
    bool last = rest_.empty();
    told_ = false;
    auto used = decoder_.feed(rest_);
    if (!used)
      give_up(used.error());
    else
      rest_ = rest_.subspan(*used);
    if (used && last && !told_)
      finish();
  }
  return pages_;
}

bool MultifdMerge::Channel::add_pages(const MultifdPacket& packet,
                                      uint32_t block) {
  const size_t page_size = merge_.page_size_;
  const uint64_t length = merge_.blocks_[block].used_length;
  const size_t normal = packet.normal.size();
  const size_t count = normal + packet.zero.size();
  pages_.clear();
  for (size_t i = 0; i < count; ++i) {
    PageItem page;
    page.offset = packet.offset;
    page.address = i < normal ? packet.normal[i] : packet.zero[i - normal];
    page.block = block;
    page.kind = i < normal ? PageKind::normal : PageKind::zero;
    page.wire_bytes = share(packet.header_bytes, count, i);
    if (i < normal) {
      page.wire_bytes += share(packet.payload_bytes, normal, i);
      if (!packet.pages.empty())
        page.content = packet.pages.subspan(i * page_size, page_size);
    }
    if (page.address % page_size != 0 || page.address >= length) {
      pages_.clear();
      return false;
    }
    pages_.push_back(page);
  }
  // Zero pages stand behind the others.
  std::ranges::sort(pages_, {}, &PageItem::address);
  return true;
}

void MultifdMerge::Channel::leave_out(const MultifdPacket& packet,
                                      const std::string& why) {
  uint64_t after = packet.offset + packet.header_bytes + packet.payload_bytes;
  on_damage({Error{ErrorKind::malformed,
                   fmt::format("a packet {}; its {} pages are left out", why,
                               packet.normal.size() + packet.zero.size()),
                   {},
                   packet.offset},
             after});
}

void MultifdMerge::Channel::on_packet(const MultifdPacket& packet) {
  told_ = true;
  auto known = merge_.block_index_.find(packet.block);
  if (known == merge_.block_index_.end())
    return leave_out(packet,
                     fmt::format("of block {}, which is not in the block list",
                                 quoted(packet.block)));
  if (!add_pages(packet, known->second))
    return leave_out(packet,
                     fmt::format("with a page outside of block {}, {:#x} bytes",
                                 quoted(packet.block),
                                 merge_.blocks_[known->second].used_length));
}

MultifdMerge::MultifdMerge(std::span<OpenChannel> channels,
                           const std::vector<size_t>& indexes,
                           StreamEvents& events)
    : channels_(channels), indexes_(indexes), events_(events) {}

MultifdMerge::~MultifdMerge() = default;

void MultifdMerge::begin(std::span<const RamBlock> blocks, uint32_t page_size) {
  page_size_ = page_size;
  for (const RamBlock& block : blocks.subspan(blocks_.size())) {
    block_index_[block.name] = static_cast<uint32_t>(blocks_.size());
    blocks_.push_back(block);
  }
  if (open_.empty())
    for (size_t index : indexes_)
      open_.push_back(std::make_unique<Channel>(*this, index));
}

MultifdMerge::Channel* MultifdMerge::first() {
  Channel* first = nullptr;
  for (auto& channel : open_)
    if (!channel->next().empty() &&
        (!first ||
         scan_position(channel->next()[0]) < scan_position(first->next()[0])))
      first = channel.get();
  return first;
}

size_t MultifdMerge::merge(std::span<const PageItem> pages) {
  for (Channel* next = first(); next; next = first()) {
    auto position = scan_position(next->next()[0]);
    auto behind = std::ranges::find_if(pages, [&](const PageItem& page) {
      return position < scan_position(page);
    });
    if (behind != pages.begin())
      return static_cast<size_t>(behind - pages.begin());
    next->tell_next();
  }
  return pages.size();
}

void MultifdMerge::mark() {
  ++marks_;
  while (Channel* next = first())
    next->tell_next();
  for (auto& channel : open_)
    channel->begin_epoch();
}

void MultifdMerge::drain() {
  auto ended = [](const auto& channel) { return channel->ended(); };
  while (!std::ranges::all_of(open_, ended)) {
    while (Channel* next = first())
      next->tell_next();
    for (auto& channel : open_)
      channel->begin_epoch();
  }
}

void MultifdMerge::check_channels() {
  std::set<uint8_t> ids;
  for (auto& channel : open_) {
    OpenChannel& told = channels_[channel->index()];
    if (!channel->whole() || !told.multifd_id)
      continue;
    // 9.1 and 9.2 end with a SYNC that has no mark on the main channel.
    bool fits = channel->syncs() == marks_ || channel->syncs() == marks_ + 1;
    if (!ids.insert(*told.multifd_id).second)
      told.error = Error{ErrorKind::malformed,
                         fmt::format("a second multifd channel with id {}; its "
                                     "pages are counted",
                                     *told.multifd_id)};
    else if (!fits)
      told.error = Error{
          ErrorKind::malformed,
          fmt::format("{} SYNC packets, expected {}, as many as the main "
                      "channel has marks: is it of another migration? Its "
                      "pages are counted",
                      channel->syncs(), marks_)};
  }
}

std::optional<Error> MultifdMerge::missing() const {
  std::set<uint8_t> ids;
  for (size_t index : indexes_)
    if (channels_[index].multifd_id)
      ids.insert(*channels_[index].multifd_id);
  if (ids.empty() || ids.size() > *ids.rbegin())
    return {};
  return Error{ErrorKind::truncated,
               fmt::format("{} of at least {} multifd channels are here",
                           ids.size(), *ids.rbegin() + 1)};
}

} // namespace migscope::captures
