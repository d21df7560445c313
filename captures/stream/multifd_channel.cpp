#include "captures/stream/multifd_channel.h"

#include "captures/stream/carry.h"
#include "captures/stream/multifd_head.h"
#include "captures/stream/multifd_pages.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr size_t kHelloBytes = 64; // sizeof(MultiFDInit_t)
constexpr size_t kUuidBytes = 16;

// Where the next packet may begin in `bytes`; their end where nowhere.
size_t find_mark(std::span<const std::byte> bytes) {
  static_assert(wire::kMultifdMagic == 0x11223344 &&
                wire::kMultifdVersion == 1);
  constexpr std::array<uint8_t, kMultifdMarkBytes> kMark = {
      0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1};
  const void* hit =
      memmem(bytes.data(), bytes.size(), kMark.data(), kMark.size());
  if (hit == nullptr)
    return bytes.size();
  return static_cast<size_t>(static_cast<const std::byte*>(hit) - bytes.data());
}

} // namespace

class MultifdDecoder::Impl {
public:
  Impl(MultifdEvents& events, uint32_t page_size)
      : events_(events), page_size_(page_size) {}

  [[nodiscard]] Result<size_t> feed(std::span<const std::byte> bytes);
  [[nodiscard]] Status finish();
  [[nodiscard]] uint64_t position() const {
    return damage_ ? damage_start_ : position_;
  }

private:
  // Tells of what is whole in bytes that stand at position_. Done where it told
  // of pages or a SYNC, or set error_.
  [[nodiscard]] Step decode(std::span<const std::byte> bytes);
  size_t feed_carry(std::span<const std::byte> bytes);

  [[nodiscard]] Result<Step> step(const Window& in);
  [[nodiscard]] Result<Step> hello(const Window& in);
  [[nodiscard]] Step packet(const Window& in);
  [[nodiscard]] Step ram_packet(const Window& in, size_t head_bytes);
  [[nodiscard]] Step search(const Window& in);
  void begin_damage(Error error, uint64_t start);
  void tell_unread(uint64_t offset);

  MultifdEvents& events_;
  const uint32_t page_size_;
  MultifdHead head_;
  MultifdPages pages_;

  Carry carry_; // an unfinished item, at position_
  uint64_t position_ = 0;
  std::optional<Error> error_;
  // Why the bytes since damage_start_ make no sense.
  std::optional<Error> damage_;
  uint64_t damage_start_ = 0;
  bool greeted_ = false; // the hello was told
  bool told_ = false;    // pages or a SYNC, just now
  bool unread_told_ = false;
};

MultifdDecoder::MultifdDecoder(MultifdEvents& events, uint32_t page_size)
    : impl_(std::make_unique<Impl>(events, page_size)) {}
MultifdDecoder::~MultifdDecoder() = default;

Result<size_t> MultifdDecoder::feed(std::span<const std::byte> bytes) {
  return impl_->feed(bytes);
}
Status MultifdDecoder::finish() {
  return impl_->finish();
}
uint64_t MultifdDecoder::position() const {
  return impl_->position();
}

Result<size_t> MultifdDecoder::Impl::feed(std::span<const std::byte> bytes) {
  size_t taken = error_ ? 0 : feed_carry(bytes);
  if (error_)
    return fail(*error_);
  return taken;
}

size_t MultifdDecoder::Impl::feed_carry(std::span<const std::byte> bytes) {
  told_ = false;
  return carry_.feed(bytes, [this](auto piece) { return decode(piece); });
}

Step MultifdDecoder::Impl::decode(std::span<const std::byte> bytes) {
  Step out;
  while (!told_) {
    auto next = step({bytes.subspan(out.used), position_});
    if (!next) {
      error_ = next.error();
      break;
    }
    out.used += next->used;
    position_ += next->used;
    if (next->need > 0)
      return {out.used, next->need};
  }
  out.done = true;
  return out;
}

Result<Step> MultifdDecoder::Impl::step(const Window& in) {
  if (!greeted_)
    return hello(in);
  return damage_ ? search(in) : packet(in);
}

Result<Step> MultifdDecoder::Impl::hello(const Window& window) {
  ItemReader in(window);
  auto magic = in.be<uint32_t>();
  auto version = in.be<uint32_t>();
  auto uuid = in.take(kUuidBytes);
  MultifdHello out;
  out.id = in.be<uint8_t>();
  in.take(kHelloBytes - in.used()); // reserved
  if (in.is_short())
    return Step{0, kHelloBytes};
  if (magic != wire::kMultifdMagic || version != wire::kMultifdVersion)
    return malformed(window.offset,
                     fmt::format("multifd hello: magic {:#010x} and version "
                                 "{}, expected {:#x} and {}",
                                 magic, version, wire::kMultifdMagic,
                                 wire::kMultifdVersion));
  std::ranges::copy(uuid, out.uuid.begin());
  greeted_ = true;
  events_.on_hello(out);
  return in.taken();
}

Step MultifdDecoder::Impl::packet(const Window& in) {
  auto head = read_multifd_head(in, page_size_, head_);
  if (!head) {
    begin_damage(head.error(), in.offset);
    return {1}; // the search is for another one
  }
  if (head->need > 0)
    return *head;
  size_t size = head->used + head_.payload_bytes;
  if (in.bytes.size() < size)
    return {0, size};
  if (head_.flags != wire::kMultifdDevice)
    return ram_packet(in, head->used);
  events_.on_device_state({in.offset, head_.name, head_.instance_id,
                           in.bytes.subspan(head->used, head_.payload_bytes)});
  return {size};
}

// Where the payload is damaged the head still counts, but not the size in it.
Step MultifdDecoder::Impl::ram_packet(const Window& in, size_t head_bytes) {
  MultifdPacket out;
  out.offset = in.offset;
  out.flags = head_.flags;
  out.packet_num = head_.packet_num;
  out.method = head_.method;
  out.block = head_.name;
  out.normal = std::span(head_.pages).first(head_.normal);
  out.zero = std::span(head_.pages).subspan(head_.normal);
  out.header_bytes = static_cast<uint32_t>(head_bytes);
  out.payload_bytes = head_.payload_bytes;
  Result<std::span<const std::byte>> pages;
  if (head_.normal > 0)
    pages =
        pages_.read(out.method, in.bytes.subspan(head_bytes, out.payload_bytes),
                    out.normal.size() * page_size_);
  if (pages)
    out.pages = *pages;
  else
    out.payload_bytes = 0;
  if (pages && pages->empty() && head_.normal > 0)
    tell_unread(in.offset);
  if (!head_.pages.empty())
    events_.on_packet(out);
  if (!pages)
    begin_damage(pages.error(), in.offset + head_bytes);
  bool synced = (out.flags & wire::kMultifdSync) != 0;
  if (synced)
    events_.on_sync(in.offset);
  told_ = synced || !head_.pages.empty();
  return {head_bytes + out.payload_bytes};
}

void MultifdDecoder::Impl::begin_damage(Error error, uint64_t start) {
  if (!error.offset)
    error.offset = start;
  damage_ = std::move(error);
  damage_start_ = start;
  pages_.lose();
}

void MultifdDecoder::Impl::tell_unread(uint64_t offset) {
  if (unread_told_)
    return;
  unread_told_ = true;
  bool decoded = head_.method == MultifdMethod::zlib ||
                 head_.method == MultifdMethod::zstd;
  events_.on_problem(
      offset, fmt::format("the contents of compressed pages cannot be read "
                          "from here on: {} (flags {:#x})",
                          decoded ? "a packet before could not be read"
                                  : "a method that is not decoded",
                          head_.flags));
}

// Looks for the next plausible packet. A look-alike costs no more than reading
// one head.
Step MultifdDecoder::Impl::search(const Window& in) {
  size_t at = find_mark(in.bytes);
  if (at == in.bytes.size()) {
    size_t keep = std::min(at, kMultifdMarkBytes - 1);
    return {at - keep, keep + 1};
  }
  auto head = read_multifd_head(in.from(at), page_size_, head_);
  if (!head)
    return {at + 1};
  if (head->need > 0)
    return {at, head->need};
  events_.on_damage({*damage_, in.offset + at});
  damage_.reset();
  return {at};
}

Status MultifdDecoder::Impl::finish() {
  // What is whole and was not asked for.
  while (!error_ && carry_.left().size() > carry_.need())
    feed_carry({});
  if (damage_ && !error_)
    error_ = damage_;
  size_t left = carry_.left().size();
  if (!error_ && (!greeted_ || left > 0))
    error_ = Error{ErrorKind::truncated,
                   fmt::format("the channel ends early: in a multifd {} ({} of "
                               "{} bytes)",
                               greeted_ ? "packet" : "hello", left,
                               greeted_ ? carry_.need() : kHelloBytes),
                   {},
                   position_ + left};
  if (error_)
    return fail(*error_);
  return {};
}

} // namespace migscope::captures
