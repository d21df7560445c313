#include "captures/stream/ram_body.h"

#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// Few enough items to stay in the first-level cache.
constexpr size_t kBatch = 256;
constexpr size_t kWordBytes = 8;
// A page word stands where no cache line has been touched before. Asking for
// the words of some pages ahead hides most of the wait, where pages are full.
constexpr size_t kPagesAhead = 12;
constexpr uint32_t kZeroItemBytes = kWordBytes + 1;
// XBZRLE_ENC of a payload, ENCODING_FLAG_XBZRLE in QEMU migration/ram.c.
constexpr uint8_t kXbzrleEncoding = 0x01;

// What zlib's compressBound() allows for a page, by which QEMU checks too.
constexpr uint32_t compress_bound(uint32_t bytes) {
  return bytes + (bytes >> 12) + (bytes >> 14) + (bytes >> 25) + 13;
}

std::string flags_text(uint64_t flags) {
  return fmt::format("flags {:#05x}, expected one of ZERO, PAGE, EOS, XBZRLE, "
                     "COMPRESS_PAGE, MULTIFD_FLUSH or, first in a START, "
                     "MEM_SIZE",
                     flags);
}

} // namespace

RamBody::RamBody(StreamEvents& events) : events_(events), batch_(kBatch) {}

void RamBody::set_page_size(uint32_t bytes) {
  page_size_ = bytes;
  // AVR's pages of 256 bytes leave room for eight flags only.
  flag_mask_ = std::min<uint64_t>(wire::kRamFlagMask, bytes - 1);
}

void RamBody::begin(SectionKind kind) {
  in_start_ = kind == SectionKind::start;
  in_list_ = false;
}

Result<Step> RamBody::decode(const Window& in) {
  auto step = items(in);
  flush();
  return step;
}

Result<Step> RamBody::items(const Window& in) {
  size_t at = 0;
  for (;;) {
    if (!in_list_)
      at += page_run(in.from(at));
    auto step = in_list_ ? list_.decode(in.from(at)) : item(in.from(at));
    if (!step)
      return step;
    at += step->used;
    if (step->need > 0)
      return Step{at, step->need};
    if (step->done && !in_list_)
      return Step{at, 0, true};
    if (step->done) {
      in_list_ = false;
      events_.on_ram_blocks(list_.blocks(), page_size_);
    }
  }
}

// Takes the bulk of a stream: whole pages, full or zero, of the same block as
// the page before. Stops at anything else, which item() then judges.
size_t RamBody::page_run(const Window& in) {
  if (!block_)
    return 0;
  for (size_t at = 0;;) {
    at += fill_batch(in.from(at));
    if (batched_ < kBatch)
      return at;
    flush();
  }
}

size_t RamBody::fill_batch(const Window& in) {
  const uint32_t block = *block_;
  const uint64_t used_length = list_.blocks()[block].used_length;
  const uint64_t flag_mask = flag_mask_;
  const size_t page_size = page_size_;
  const uint64_t low_bits = page_size - 1;
  const size_t item_size = kWordBytes + page_size;
  const std::byte* const begin = in.bytes.data();
  const size_t size = in.bytes.size();
  PageItem* out = batch_.data() + batched_;
  PageItem* const end = batch_.data() + kBatch;
  size_t at = 0;
  for (; out != end && size - at >= kZeroItemBytes; ++out) {
    const uint64_t word = load_be<uint64_t>(begin + at);
    const uint64_t flags = word & flag_mask;
    const uint64_t address = word & ~flag_mask;
    if ((address & low_bits) != 0 || address >= used_length)
      break;
    *out = {in.offset + at, address, {}, block, kZeroItemBytes, PageKind::zero};
    if (flags == (wire::kRamPage | wire::kRamContinue)) {
      if (size - at < item_size)
        break;
      __builtin_prefetch(begin + std::min(at + kPagesAhead * item_size, size));
      out->content = {begin + at + kWordBytes, page_size};
      out->wire_bytes = static_cast<uint32_t>(item_size);
      out->kind = PageKind::normal;
    } else if (flags != (wire::kRamZero | wire::kRamContinue) ||
               begin[at + kWordBytes] != std::byte{0}) {
      break;
    }
    at += out->wire_bytes;
  }
  batched_ = static_cast<size_t>(out - batch_.data());
  return at;
}

RamBody::Word RamBody::split(uint64_t offset, uint64_t word) const {
  return {offset, word & ~flag_mask_, word & flag_mask_};
}

Result<Step> RamBody::item(const Window& window) {
  ItemReader in(window);
  Word word = split(window.offset, in.be<uint64_t>());
  if (in.is_short())
    return in.wait();
  constexpr uint64_t kPlain =
      wire::kRamZero | wire::kRamPage | wire::kRamContinue | wire::kRamEos;
  if (pages_only_ && (word.flags & ~kPlain) != 0)
    return malformed(word.offset,
                     fmt::format("page word {:#x} has flags {:#05x}, expected "
                                 "ZERO, PAGE or EOS",
                                 word.address | word.flags, word.flags));
  switch (word.flags & ~wire::kRamContinue) {
  case wire::kRamZero:
  case wire::kRamPage:
  case wire::kRamXbzrle:
  case wire::kRamCompress:
    return page(word, in);
  case wire::kRamHook:
    return unsupported(word.offset, "page word with flag HOOK: RDMA, whose "
                                    "pages are not in the stream");
  default:
    return mark(word);
  }
}

// A word without a page.
Result<Step> RamBody::mark(const Word& word) {
  bool addressed = word.address != 0 && word.flags != wire::kRamMemSize;
  if (addressed &&
      (word.flags == wire::kRamEos || word.flags == wire::kRamMultifdFlush))
    return malformed(
        word.offset,
        fmt::format("page word {:#x}: {} with address {:#x}, "
                    "expected none",
                    word.address | word.flags,
                    word.flags == wire::kRamEos ? "EOS" : "MULTIFD_FLUSH",
                    word.address));
  if (word.flags == wire::kRamEos)
    return Step{kWordBytes, 0, true};
  if (word.flags == wire::kRamMultifdFlush) {
    flush();
    events_.on_multifd_flush(word.offset);
    return Step{kWordBytes};
  }
  if (word.flags != wire::kRamMemSize || !in_start_)
    return malformed(word.offset, fmt::format("page word {:#x} has {}",
                                              word.address | word.flags,
                                              flags_text(word.flags)));
  if (Status begun = list_.begin(word.offset, word.address, layout_); !begun)
    return fail(begun.error());
  in_list_ = true;
  return Step{kWordBytes};
}

Result<Step> RamBody::page(const Word& word, ItemReader& in) {
  auto block = page_block(word, in);
  if (!block)
    return fail(block.error());
  if (in.is_short())
    return in.wait();
  const RamBlock& owner = list_.blocks()[*block];
  if (word.address % page_size_ != 0 || word.address >= owner.used_length)
    return malformed(
        word.offset,
        fmt::format("page {:#x} of block {}: expected a multiple of {:#x} "
                    "below the block's {:#x} bytes",
                    word.address, quoted(owner.name), page_size_,
                    owner.used_length));
  auto out = payload(word, in);
  if (!out)
    return fail(out.error());
  if (in.is_short())
    return in.wait();
  out->block = *block;
  out->wire_bytes = static_cast<uint32_t>(in.used());
  block_ = *block;
  if (batched_ == kBatch)
    flush();
  batch_[batched_++] = *out;
  return in.taken();
}

Result<uint32_t> RamBody::page_block(const Word& word, ItemReader& in) const {
  if ((word.flags & wire::kRamContinue) != 0) {
    if (block_)
      return *block_;
    return malformed(word.offset,
                     fmt::format("page {:#x} with flag CONTINUE, but no page "
                                 "before it names a block",
                                 word.address));
  }
  std::string_view name = in.counted_string();
  if (in.is_short())
    return 0u;
  if (auto known = list_.find(name))
    return *known;
  return malformed(word.offset,
                   fmt::format("page {:#x} of block {}, which is not in the "
                               "block list ({} blocks)",
                               word.address, quoted(name),
                               list_.blocks().size()));
}

// The item without its block; nothing of worth where `in` is short.
Result<PageItem> RamBody::payload(const Word& word, ItemReader& in) {
  PageItem out;
  out.offset = word.offset;
  out.address = word.address;
  uint64_t kind = word.flags & ~wire::kRamContinue;
  if (kind == wire::kRamPage) {
    out.kind = PageKind::normal;
    out.content = in.take(page_size_);
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
    if (!in.is_short() && (encoding != kXbzrleEncoding || length > page_size_))
      return malformed(word.offset,
                       fmt::format("xbzrle page {:#x}: encoding {:#04x} and "
                                   "{} bytes, expected 0x01 and at most {}",
                                   word.address, encoding, length, page_size_));
    out.content = in.take(length);
  } else {
    out.kind = PageKind::compressed;
    auto length = in.be<uint32_t>();
    if (length > compress_bound(page_size_))
      return malformed(word.offset,
                       fmt::format("compressed page {:#x} of {} bytes, "
                                   "expected at most {}",
                                   word.address, length,
                                   compress_bound(page_size_)));
    out.content = in.take(length);
  }
  return out;
}

void RamBody::flush() {
  if (batched_ == 0)
    return;
  events_.on_pages({batch_.data(), batched_});
  batched_ = 0;
}

std::string RamBody::describe_cut(const Window& rest) const {
  if (in_list_)
    return "in the RAM block list";
  if (rest.bytes.empty())
    return "before the EOS word";
  ItemReader in(rest);
  Word word = split(rest.offset, in.be<uint64_t>());
  if (in.is_short())
    return fmt::format("in a page word ({} of {} bytes)", rest.bytes.size(),
                       kWordBytes);
  auto block = page_block(word, in);
  if (!block || in.is_short())
    return fmt::format("in the block name of page {:#x}", word.address);
  size_t there = rest.bytes.size() - in.used();
  std::string_view name = list_.blocks()[*block].name;
  if ((word.flags & wire::kRamPage) != 0)
    return fmt::format("in page {:#x} of block {} ({} of {} bytes)",
                       word.address, quoted(name), there, page_size_);
  return fmt::format("in page {:#x} of block {}", word.address, quoted(name));
}

} // namespace migscope::captures
