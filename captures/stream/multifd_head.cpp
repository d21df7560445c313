#include "captures/stream/multifd_head.h"

#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// Offsets of fields in the head, for messages.
constexpr size_t kFlagsAt = 8;
constexpr size_t kAllocatedAt = 12;
constexpr size_t kNormalAt = 16;
constexpr size_t kPayloadAt = 20;
constexpr size_t kBlockAt = 64;
constexpr size_t kPagesAt = 320;
constexpr size_t kIdstrAt = 12;
constexpr size_t kDevicePayloadAt = 272;

constexpr size_t kReservedBytes = 28;
constexpr size_t kNameBytes = 256;

MultifdMethod method_of(uint32_t flags) {
  switch ((flags & wire::kMultifdMethods) >> 1) {
  case 0:
    return MultifdMethod::none;
  case 1:
    return MultifdMethod::zlib;
  case 2:
    return MultifdMethod::zstd;
  case 4:
    return MultifdMethod::qpl;
  case 8:
    return MultifdMethod::uadk;
  case 16:
    return MultifdMethod::qatzip;
  default:
    return MultifdMethod::unknown;
  }
}

// The text of a field that is filled up with NULs; nothing where it is none.
std::optional<std::string_view> padded_text(std::span<const std::byte> field) {
  std::string_view text(reinterpret_cast<const char*>(field.data()),
                        field.size());
  size_t size = std::min(text.find('\0'), text.size());
  bool printable = std::ranges::all_of(
      text.substr(0, size), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!printable || size == text.size() ||
      text.find_first_not_of('\0', size) != text.npos)
    return {};
  return text.substr(0, size);
}

tl::unexpected<Error> bad(const Window& in, size_t at,
                          const std::string& what) {
  return malformed(in.offset + at, "multifd packet: " + what);
}

Status check_mark(const Window& in, uint32_t magic, uint32_t version) {
  if (magic != wire::kMultifdMagic || version != wire::kMultifdVersion)
    return bad(in, 0,
               fmt::format("magic {:#010x} and version {}, expected {:#x} and "
                           "{}",
                           magic, version, wire::kMultifdMagic,
                           wire::kMultifdVersion));
  return {};
}

Status check_flags(const Window& in, uint32_t flags) {
  constexpr uint32_t kRam = wire::kMultifdSync | wire::kMultifdMethods;
  if ((flags & ~kRam) != 0 && flags != wire::kMultifdDevice)
    return bad(in, kFlagsAt,
               fmt::format("flags {:#x}, expected SYNC and a compression "
                           "method at the most, or DEVICE_STATE alone",
                           flags));
  return {};
}

Status check_counts(const Window& in, uint32_t allocated, uint32_t normal,
                    uint32_t zero, uint32_t capacity) {
  bool any = normal > 0 || zero > 0;
  // SYNC packets have none from 9.2 on.
  if (allocated != capacity && (any || allocated != 0))
    return bad(in, kAllocatedAt,
               fmt::format("room for {} pages, expected {} (pages of {} bytes)",
                           allocated, capacity,
                           wire::kMultifdPacketBytes / capacity));
  if (normal > capacity || zero > capacity - normal)
    return bad(in, kNormalAt,
               fmt::format("{} normal and {} zero pages, expected at most {}",
                           normal, zero, capacity));
  return {};
}

Status check_payload(const Window& in, const MultifdHead& head,
                     uint32_t page_size) {
  bool raw = head.method == MultifdMethod::none;
  size_t pages = head.normal * page_size;
  if (raw && head.payload_bytes != pages)
    return bad(in, kPayloadAt,
               fmt::format("{} pages in {} bytes, expected {}", head.normal,
                           head.payload_bytes, pages));
  if (head.payload_bytes > limits::kMaxMultifdPayload)
    return bad(in, kPayloadAt,
               fmt::format("{} compressed pages in {} bytes, expected at most "
                           "{}",
                           head.normal, head.payload_bytes,
                           limits::kMaxMultifdPayload));
  return {};
}

// `offsets` are the array's first entries, as many as `out` has pages.
Status read_pages(const Window& in, std::span<const std::byte> offsets,
                  uint32_t page_size, MultifdHead& out) {
  for (size_t i = 0; i < out.pages.size(); ++i) {
    out.pages[i] = load_be<uint64_t>(offsets.data() + 8 * i);
    if (out.pages[i] % page_size != 0 || out.pages[i] >= limits::kMaxRamBytes)
      return bad(in, kPagesAt + 8 * i,
                 fmt::format("page {:#x} of block {}, expected a multiple of "
                             "{:#x} below {:#x}",
                             out.pages[i], quoted(out.name), page_size,
                             limits::kMaxRamBytes));
  }
  return {};
}

Result<Step> device_head(ItemReader in, const Window& window,
                         MultifdHead& out) {
  auto name = in.take(kNameBytes);
  out.instance_id = in.be<uint32_t>();
  out.payload_bytes = in.be<uint32_t>();
  if (in.is_short())
    return in.wait();
  auto idstr = padded_text(name);
  if (!idstr || idstr->empty())
    return bad(window, kIdstrAt, "the device's name is no text");
  if (out.payload_bytes > limits::kMaxDeviceBytes)
    return bad(window, kDevicePayloadAt,
               fmt::format("{} bytes of state of device {}, expected at most "
                           "{}",
                           out.payload_bytes, quoted(*idstr),
                           limits::kMaxDeviceBytes));
  out.name = *idstr;
  return in.taken();
}

Result<Step> ram_head(ItemReader in, const Window& window, uint32_t page_size,
                      MultifdHead& out) {
  const uint32_t capacity = wire::kMultifdPacketBytes / page_size;
  auto allocated = in.be<uint32_t>();
  auto normal = in.be<uint32_t>();
  out.payload_bytes = in.be<uint32_t>();
  out.packet_num = in.be<uint64_t>();
  auto zero = in.be<uint32_t>(); // reserved, and zero, before 9.0
  in.take(kReservedBytes);
  auto name = in.take(kNameBytes);
  auto offsets = in.take(size_t{8} * capacity);
  if (in.is_short())
    return in.wait();
  if (Status good = check_counts(window, allocated, normal, zero, capacity);
      !good)
    return fail(good.error());
  auto block = padded_text(name);
  if (!block || (block->empty() && normal + zero > 0))
    return bad(window, kBlockAt, "the block's name is no text");
  out.name = *block;
  out.method = method_of(out.flags);
  out.normal = normal;
  out.pages.resize(normal + zero);
  // Up to 8.1 a packet without pages keeps the size of the one before.
  if (normal == 0)
    out.payload_bytes = 0;
  else if (Status good = check_payload(window, out, page_size); !good)
    return fail(good.error());
  if (Status good = read_pages(window, offsets, page_size, out); !good)
    return fail(good.error());
  return in.taken();
}

} // namespace

Result<Step> read_multifd_head(const Window& window, uint32_t page_size,
                               MultifdHead& out) {
  ItemReader in(window);
  auto magic = in.be<uint32_t>();
  auto version = in.be<uint32_t>();
  out.flags = in.be<uint32_t>();
  if (in.is_short())
    return in.wait();
  if (Status good = check_mark(window, magic, version); !good)
    return fail(good.error());
  if (Status good = check_flags(window, out.flags); !good)
    return fail(good.error());
  if (out.flags == wire::kMultifdDevice)
    return device_head(in, window, out);
  return ram_head(in, window, page_size, out);
}

} // namespace migscope::captures
