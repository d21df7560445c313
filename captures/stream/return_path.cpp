#include "captures/stream/return_path.h"

#include "captures/stream/carry.h"
#include "captures/stream/limits.h"

#include <array>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// QEMU migration/ram.c, RAMBLOCK_RECV_BITMAP_ENDING.
constexpr uint64_t kBitmapEnding = 0x0123456789abcdef;
// Bitmaps are made of longs of the widest host.
constexpr uint64_t kBitmapUnit = 8;
// The source checks requests against its host's pages (QEMU
// migration/migration.c, migrate_handle_rp_req_pages), which are never smaller.
constexpr uint32_t kMinHostPage = 4096;
constexpr size_t kHeadBytes = 4;

struct MessageKind {
  std::string_view name;
  size_t shortest = 0; // legal lengths of the payload, bytes
  size_t longest = 0;
};

// By number; QEMU migration/migration.c, rp_cmd_args. A name has 1 to 255
// bytes and stands behind its length.
constexpr std::array<MessageKind, 8> kMessages = {{
    {},
    {"SHUT", 4, 4},
    {"PONG", 4, 4},
    {"REQ_PAGES_ID", 14, 268},
    {"REQ_PAGES", 12, 12},
    {"RECV_BITMAP", 2, 256},
    {"RESUME_ACK", 4, 4},
    {"SWITCHOVER_ACK", 0, 0},
}};

Status check_head(uint64_t offset, uint16_t type, uint16_t length) {
  if (type == 0 || type >= kMessages.size())
    return malformed(offset, fmt::format("return path message of type {}, "
                                         "expected 1 to {}",
                                         type, kMessages.size() - 1));
  const MessageKind& kind = kMessages[type];
  if (length < kind.shortest || length > kind.longest)
    return malformed(offset, fmt::format("return path message {} of {} bytes, "
                                         "expected {} to {}",
                                         kind.name, length, kind.shortest,
                                         kind.longest));
  return {};
}

// The counted name that is all of `field`, for the message at `offset`.
Result<std::string_view> block_name(uint64_t offset, const Window& field) {
  ItemReader in(field);
  std::string_view name = in.counted_string();
  if (in.is_short() || name.empty() || in.used() != field.bytes.size())
    return malformed(offset, "return path message whose length is not that of "
                             "the block name in it");
  return name;
}

} // namespace

std::string_view name_of(ReturnMessage message) {
  return kMessages[static_cast<size_t>(message)].name;
}

class ReturnPathDecoder::Impl {
public:
  explicit Impl(ReturnEvents& events) : events_(events) {}

  [[nodiscard]] Status feed(std::span<const std::byte> bytes);
  [[nodiscard]] Status finish();
  [[nodiscard]] uint64_t position() const { return position_; }

private:
  [[nodiscard]] Step decode(std::span<const std::byte> bytes);
  [[nodiscard]] Result<Step> message(const Window& in);
  [[nodiscard]] Status page_request(uint64_t offset, ReturnMessage type,
                                    const Window& payload);
  // `in` stands behind the payload.
  [[nodiscard]] Result<Step> bitmap(uint64_t offset, const Window& payload,
                                    ItemReader in);

  ReturnEvents& events_;
  Carry carry_; // an unfinished message, at position_
  uint64_t position_ = 0;
  std::string block_; // of the last REQ_PAGES_ID
  std::optional<Error> error_;
  bool shut_ = false;
};

ReturnPathDecoder::ReturnPathDecoder(ReturnEvents& events)
    : impl_(std::make_unique<Impl>(events)) {}
ReturnPathDecoder::~ReturnPathDecoder() = default;

Status ReturnPathDecoder::feed(std::span<const std::byte> bytes) {
  return impl_->feed(bytes);
}
Status ReturnPathDecoder::finish() {
  return impl_->finish();
}
uint64_t ReturnPathDecoder::position() const {
  return impl_->position();
}

Status ReturnPathDecoder::Impl::feed(std::span<const std::byte> bytes) {
  if (!error_ && !shut_)
    bytes = bytes.subspan(
        carry_.feed(bytes, [this](auto piece) { return decode(piece); }));
  if (!error_ && shut_ && !bytes.empty())
    error_ = malformed(position_, "bytes after SHUT on the return path, "
                                  "expected none")
                 .value();
  if (error_)
    return fail(*error_);
  return {};
}

Step ReturnPathDecoder::Impl::decode(std::span<const std::byte> bytes) {
  Step out;
  while (!shut_) {
    auto step = message({bytes.subspan(out.used), position_});
    if (!step) {
      error_ = step.error();
      break;
    }
    out.used += step->used;
    position_ += step->used;
    if (step->need > 0)
      return {out.used, step->need};
  }
  out.done = true;
  return out;
}

Result<Step> ReturnPathDecoder::Impl::message(const Window& window) {
  ItemReader in(window);
  auto type = in.be<uint16_t>();
  auto length = in.be<uint16_t>();
  if (in.is_short())
    return in.wait();
  if (Status good = check_head(window.offset, type, length); !good)
    return fail(good.error());
  Window payload{in.take(length), window.offset + kHeadBytes};
  if (in.is_short())
    return in.wait();
  ItemReader fields(payload);
  switch (ReturnMessage(type)) {
  case ReturnMessage::shut:
    shut_ = true;
    events_.on_shut(window.offset, fields.be<uint32_t>());
    break;
  case ReturnMessage::pong:
    events_.on_pong(window.offset, fields.be<uint32_t>());
    break;
  case ReturnMessage::req_pages_id:
  case ReturnMessage::req_pages:
    if (Status told = page_request(window.offset, ReturnMessage(type), payload);
        !told)
      return fail(told.error());
    break;
  case ReturnMessage::recv_bitmap:
    return bitmap(window.offset, payload, in);
  case ReturnMessage::resume_ack:
    events_.on_resume_ack(window.offset, fields.be<uint32_t>());
    break;
  case ReturnMessage::switchover_ack:
    events_.on_switchover_ack(window.offset);
    break;
  }
  return in.taken();
}

Status ReturnPathDecoder::Impl::page_request(uint64_t offset,
                                             ReturnMessage type,
                                             const Window& payload) {
  ItemReader in(payload);
  PageRequest out;
  out.offset = offset;
  out.address = in.be<uint64_t>();
  out.length = in.be<uint32_t>();
  if (type == ReturnMessage::req_pages_id) {
    auto block = block_name(offset, payload.from(in.used()));
    if (!block)
      return fail(block.error());
    block_ = *block;
  } else if (block_.empty()) {
    return malformed(offset, "REQ_PAGES without a block, and no REQ_PAGES_ID "
                             "before it names one");
  }
  if (out.length == 0 || out.length % kMinHostPage != 0 ||
      out.address % kMinHostPage != 0)
    return malformed(offset,
                     fmt::format("request for {:#x} bytes at {:#x} of block "
                                 "{}, expected multiples of {:#x}",
                                 out.length, out.address, quoted(block_),
                                 kMinHostPage));
  out.block = block_;
  events_.on_page_request(out);
  return {};
}

Result<Step> ReturnPathDecoder::Impl::bitmap(uint64_t offset,
                                             const Window& payload,
                                             ItemReader in) {
  auto block = block_name(offset, payload);
  if (!block)
    return fail(block.error());
  auto size = in.be<uint64_t>();
  if (size > limits::kMaxBitmapBytes || size % kBitmapUnit != 0)
    return malformed(offset,
                     fmt::format("bitmap of block {} of {} bytes, expected a "
                                 "multiple of {} up to {}",
                                 quoted(*block), size, kBitmapUnit,
                                 limits::kMaxBitmapBytes));
  auto bits = in.take(size);
  auto ending = in.be<uint64_t>();
  if (in.is_short())
    return in.wait();
  if (ending != kBitmapEnding)
    return malformed(offset,
                     fmt::format("bitmap of block {} ends with {:#x}, "
                                 "expected {:#x}",
                                 quoted(*block), ending, kBitmapEnding));
  events_.on_received_bitmap({offset, *block, bits});
  return in.taken();
}

Status ReturnPathDecoder::Impl::finish() {
  auto rest = carry_.left();
  if (!error_ && !shut_)
    error_ = Error{ErrorKind::truncated,
                   "the return path ends early: " +
                       (rest.empty() ? std::string("without SHUT")
                                     : fmt::format("in a message ({} of {} "
                                                   "bytes)",
                                                   rest.size(), carry_.need())),
                   {},
                   position_ + rest.size()};
  if (error_)
    return fail(*error_);
  return {};
}

} // namespace migscope::captures
