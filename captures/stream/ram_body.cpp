#include "captures/stream/ram_body.h"

#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

// Few enough items to stay in the first-level cache.
constexpr size_t kBatch = 256;
// A page word stands where no cache line has been touched before. Asking for
// the words of some pages ahead hides most of the wait, where pages are full.
constexpr size_t kPagesAhead = 12;
constexpr uint32_t kZeroItemBytes = kPageWordBytes + 1;
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
  flag_mask_ = page_flag_mask(bytes);
}

void RamBody::begin(SectionKind kind, uint64_t offset) {
  section_ = offset;
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
    auto step = in_list_ ? list_item(in.from(at)) : item(in.from(at));
    if (!step)
      return step;
    at += step->used;
    if (step->need > 0 || step->done)
      return Step{at, step->need, step->done};
  }
}

// Never done: the list is followed by other items.
Result<Step> RamBody::list_item(const Window& in) {
  if (region_.open())
    return mapped_pages(in);
  auto step = list_.decode(in, page_size_);
  if (!step || step->need > 0)
    return step;
  if (step->done) {
    in_list_ = false;
    if (!layout_.mapped_ram)
      events_.on_ram_blocks(list_.blocks(), page_size_);
  } else if (layout_.mapped_ram) {
    // Pages of this block come before the next entry.
    events_.on_ram_blocks(list_.blocks(), page_size_);
    const RamBlock& block = list_.blocks().back();
    if (block.mapped)
      region_.begin(block, static_cast<uint32_t>(list_.blocks().size() - 1));
  }
  return Step{step->used};
}

Step RamBody::mapped_pages(const Window& in) {
  size_t at = 0;
  for (;;) {
    Step step = region_.decode(in.from(at), batch_, batched_);
    at += step.used;
    if (step.need > 0)
      return Step{at, step.need};
    flush();
    if (step.done)
      break;
  }
  if (region_.stray_bits() > 0)
    events_.on_problem(
        section_,
        fmt::format("mapped-ram bitmap of block {}: {} bits stand "
                    "for pages beyond its end",
                    quoted(list_.blocks().back().name), region_.stray_bits()));
  return Step{at};
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
  const size_t item_size = kPageWordBytes + page_size;
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
      out->content = {begin + at + kPageWordBytes, page_size};
      out->wire_bytes = static_cast<uint32_t>(item_size);
      out->kind = PageKind::normal;
    } else if (flags != (wire::kRamZero | wire::kRamContinue) ||
               begin[at + kPageWordBytes] != std::byte{0}) {
      break;
    }
    at += out->wire_bytes;
  }
  batched_ = static_cast<size_t>(out - batch_.data());
  return at;
}

PageWord RamBody::split(uint64_t offset, uint64_t word) const {
  return {offset, word & ~flag_mask_, word & flag_mask_};
}

Result<Step> RamBody::item(const Window& window) {
  ItemReader in(window);
  PageWord word = split(window.offset, in.be<uint64_t>());
  if (in.is_short())
    return in.wait();
  constexpr uint64_t kPlain =
      wire::kRamZero | wire::kRamPage | wire::kRamContinue | wire::kRamEos;
  if (pages_only_ && (word.flags & ~kPlain) != 0)
    return malformed(word.offset,
                     fmt::format("page word {:#x} has flags {:#05x}, expected "
                                 "ZERO, PAGE or EOS",
                                 word.address | word.flags, word.flags));
  if (is_page(word))
    return page(word, in);
  if ((word.flags & ~wire::kRamContinue) == wire::kRamHook)
    return unsupported(word.offset, "page word with flag HOOK: RDMA, whose "
                                    "pages are not in the stream");
  return mark(word);
}

// A word without a page.
Result<Step> RamBody::mark(const PageWord& word) {
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
  if (word.flags == wire::kRamEos) {
    tell_unplaced();
    return Step{kPageWordBytes, 0, true};
  }
  if (word.flags == wire::kRamMultifdFlush) {
    flush();
    events_.on_multifd_flush(word.offset);
    return Step{kPageWordBytes};
  }
  if (word.flags != wire::kRamMemSize || !in_start_)
    return malformed(word.offset, fmt::format("page word {:#x} has {}",
                                              word.address | word.flags,
                                              flags_text(word.flags)));
  if (Status begun = list_.begin(word.offset, word.address, layout_); !begun)
    return fail(begun.error());
  in_list_ = true;
  return Step{kPageWordBytes};
}

Result<Step> RamBody::page(const PageWord& word, ItemReader& in) {
  auto owner = page_owner(word, in);
  if (!owner)
    return fail(owner.error());
  if (in.is_short())
    return in.wait();
  if (Status good = check_address(word, *owner); !good)
    return fail(good.error());
  auto out = read_payload(word, page_size_, in);
  if (!out)
    return fail(out.error());
  if (in.is_short())
    return in.wait();
  block_ = *owner;
  lost_ = !block_;
  if (block_) {
    out->block = *block_;
    out->wire_bytes = static_cast<uint32_t>(in.used());
    put(*out);
  } else {
    ++unplaced_;
  }
  return in.taken();
}

Result<RamBody::Owner> RamBody::page_owner(const PageWord& word,
                                           ItemReader& in) const {
  if ((word.flags & wire::kRamContinue) == 0) {
    std::string_view name = in.counted_string();
    if (in.is_short())
      return Owner();
    return named_owner(word, name);
  }
  if (block_)
    return block_;
  if (lost_)
    return list_.only_holder(word.address);
  return malformed(word.offset,
                   fmt::format("page {:#x} with flag CONTINUE, but no page "
                               "before it names a block",
                               word.address));
}

Result<RamBody::Owner> RamBody::named_owner(const PageWord& word,
                                            std::string_view name) const {
  auto known = list_.find(name);
  // An entry of a broken list may claim too little.
  if (known && list_.broken() &&
      word.address >= list_.blocks()[*known].used_length)
    return Owner();
  if (known || (list_.broken() && is_plain(name)))
    return known;
  return malformed(word.offset,
                   fmt::format("page {:#x} of block {}, which is not in the "
                               "block list ({} blocks)",
                               word.address, quoted(name),
                               list_.blocks().size()));
}

Status RamBody::check_address(const PageWord& word, Owner owner) const {
  uint64_t end = limits::kMaxRamBytes;
  if (owner)
    end = list_.blocks()[*owner].used_length;
  if (word.address % page_size_ == 0 && word.address < end)
    return {};
  return malformed(
      word.offset,
      fmt::format("page {:#x} of block {}: expected a multiple of {:#x} "
                  "below the block's {:#x} bytes",
                  word.address,
                  owner ? quoted(list_.blocks()[*owner].name) : "unknown",
                  page_size_, end));
}

void RamBody::put(const PageItem& item) {
  if (batched_ == kBatch)
    flush();
  batch_[batched_++] = item;
}

void RamBody::flush() {
  if (batched_ == 0)
    return;
  events_.on_pages({batch_.data(), batched_});
  batched_ = 0;
}

} // namespace migscope::captures
