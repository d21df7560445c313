#include "captures/stream/page_word.h"

#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// XBZRLE_ENC of a payload, ENCODING_FLAG_XBZRLE in QEMU migration/ram.c.
constexpr uint8_t kXbzrleEncoding = 0x01;

// What zlib's compressBound() allows for a page, by which QEMU checks too.
constexpr uint32_t compress_bound(uint32_t bytes) {
  return bytes + (bytes >> 12) + (bytes >> 14) + (bytes >> 25) + 13;
}

} // namespace

uint64_t page_flag_mask(uint32_t page_size) {
  return std::min<uint64_t>(wire::kRamFlagMask, page_size - 1);
}

bool is_page(const PageWord& word) {
  uint64_t kind = word.flags & ~wire::kRamContinue;
  return kind == wire::kRamZero || kind == wire::kRamPage ||
         kind == wire::kRamXbzrle || kind == wire::kRamCompress;
}

Result<PageItem> read_payload(const PageWord& word, uint32_t page_size,
                              ItemReader& in) {
  PageItem out;
  out.offset = word.offset;
  out.address = word.address;
  uint64_t kind = word.flags & ~wire::kRamContinue;
  if (kind == wire::kRamPage) {
    out.kind = PageKind::normal;
    out.content = in.take(page_size);
  } else if (kind == wire::kRamZero) {
    out.kind = PageKind::zero;
    if (auto fill = in.be<uint8_t>(); fill != 0)
      return malformed(word.offset,
                       fmt::format("zero page {:#x} filled with {:#04x}, "
                                   "expected 0x00",
                                   word.address, fill));
  } else if (kind == wire::kRamXbzrle) {
    out.kind = PageKind::xbzrle;
    auto encoding = in.be<uint8_t>();
    auto length = in.be<uint16_t>();
    if (!in.is_short() && (encoding != kXbzrleEncoding || length > page_size))
      return malformed(word.offset,
                       fmt::format("xbzrle page {:#x}: encoding {:#04x} and "
                                   "{} bytes, expected 0x01 and at most {}",
                                   word.address, encoding, length, page_size));
    out.content = in.take(length);
  } else {
    out.kind = PageKind::compressed;
    auto length = in.be<uint32_t>();
    if (length > compress_bound(page_size))
      return malformed(word.offset,
                       fmt::format("compressed page {:#x} of {} bytes, "
                                   "expected at most {}",
                                   word.address, length,
                                   compress_bound(page_size)));
    out.content = in.take(length);
  }
  return out;
}

} // namespace migscope::captures
