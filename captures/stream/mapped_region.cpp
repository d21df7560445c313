#include "captures/stream/mapped_region.h"

#include "captures/stream/limits.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace migscope::captures {
namespace {

constexpr uint32_t kHeaderVersion = 1; // MAPPED_RAM_HDR_VERSION
constexpr uint64_t kWordBytes = 8;     // of the source's unsigned long
constexpr uint64_t kWordBits = 64;

uint64_t bitmap_bytes(uint64_t pages) {
  return (pages + kWordBits - 1) / kWordBits * kWordBytes;
}

// `end`: where the header ends.
Status check(const MappedPages& at, uint64_t header, uint64_t end,
             const RamBlock& block, uint32_t page_size) {
  auto bad = [&](std::string what) {
    return malformed(header, fmt::format("mapped-ram header of block {}: {}",
                                         quoted(block.name), what));
  };
  if (at.page_size != page_size)
    return bad(fmt::format("pages of {} bytes, expected the target's {}",
                           at.page_size, page_size));
  if (block.used_length % page_size != 0)
    return bad(fmt::format("a block of {:#x} bytes, expected a multiple of "
                           "the page size {:#x}",
                           block.used_length, page_size));
  if (at.bitmap_offset != end)
    return bad(fmt::format("bitmap at {:#x}, expected {:#x}, where the header "
                           "ends, counted from the start of the file",
                           at.bitmap_offset, end));
  uint64_t bytes = bitmap_bytes(block.used_length / page_size);
  if (bytes > limits::kMaxMappedBitmapBytes)
    return bad(fmt::format("a bitmap of {} bytes, expected at most {}", bytes,
                           limits::kMaxMappedBitmapBytes));
  uint64_t least = end + bytes;
  if (at.pages_offset < least || at.pages_offset % page_size != 0 ||
      at.pages_offset - least > limits::kMaxMappedPadding)
    return bad(fmt::format("pages at {:#x}, expected a multiple of {:#x} from "
                           "{:#x} to {:#x}",
                           at.pages_offset, page_size, least,
                           least + limits::kMaxMappedPadding));
  return {};
}

} // namespace

Result<std::optional<MappedPages>> read_mapped_header(ItemReader& in,
                                                      uint64_t offset,
                                                      const RamBlock& block,
                                                      uint32_t page_size) {
  uint64_t header = offset + in.used();
  auto version = in.be<uint32_t>();
  MappedPages at;
  at.page_size = in.be<uint64_t>();
  at.bitmap_offset = in.be<uint64_t>();
  at.pages_offset = in.be<uint64_t>();
  if (in.is_short())
    return std::optional<MappedPages>();
  if (version != kHeaderVersion)
    return unsupported(
        header, fmt::format("mapped-ram header of block {}: version {}, "
                            "expected {}",
                            quoted(block.name), version, kHeaderVersion));
  // A shared block with x-ignore-shared.
  if (at.bitmap_offset == 0 && at.pages_offset == 0)
    return std::optional<MappedPages>();
  if (Status good = check(at, header, offset + in.used(), block, page_size);
      !good)
    return fail(good.error());
  return std::optional(at);
}

void MappedRegion::begin(const RamBlock& block, uint32_t index) {
  at_ = *block.mapped;
  index_ = index;
  pages_ = block.used_length / at_.page_size;
  bitmap_bytes_ = bitmap_bytes(pages_);
  bitmap_.clear();
  next_ = 0;
  stray_bits_ = 0;
  open_ = true;
}

void MappedRegion::abandon() {
  open_ = false;
  bitmap_ = {};
}

Step MappedRegion::decode(const Window& in, std::span<PageItem> batch,
                          size_t& filled) {
  size_t used = take_bitmap(in);
  if (bitmap_.size() < bitmap_bytes_)
    return {used, 1};
  while (filled < batch.size()) {
    uint64_t page = next_page();
    uint64_t place = at_.pages_offset + page * at_.page_size;
    uint64_t gap = place - (in.offset + used);
    size_t left = in.bytes.size() - used;
    if (left < gap)
      return {in.bytes.size(), 1};
    used += gap;
    if (page == pages_) {
      abandon();
      return {used, 0, true};
    }
    if (left - gap < at_.page_size)
      return {used, at_.page_size};
    batch[filled++] = {place,
                       page * at_.page_size,
                       in.bytes.subspan(used, at_.page_size),
                       index_,
                       static_cast<uint32_t>(at_.page_size),
                       PageKind::normal};
    used += at_.page_size;
    next_ = page + 1;
  }
  return {used};
}

size_t MappedRegion::take_bitmap(const Window& in) {
  uint64_t missing = bitmap_bytes_ - bitmap_.size();
  if (missing == 0)
    return 0;
  size_t taken = std::min<uint64_t>(missing, in.bytes.size());
  bitmap_.insert(bitmap_.end(), in.bytes.begin(), in.bytes.begin() + taken);
  if (taken == missing)
    clear_stray_bits();
  return taken;
}

void MappedRegion::clear_stray_bits() {
  if (pages_ % kWordBits == 0)
    return;
  std::byte* last = bitmap_.data() + bitmap_bytes_ - kWordBytes;
  auto word = load_le<uint64_t>(last);
  uint64_t pages = (1ull << pages_ % kWordBits) - 1;
  stray_bits_ = std::popcount(word & ~pages);
  store_le(last, word & pages);
}

uint64_t MappedRegion::next_page() {
  while (next_ < pages_) {
    auto word =
        load_le<uint64_t>(bitmap_.data() + next_ / kWordBits * kWordBytes) >>
        next_ % kWordBits;
    if (word != 0)
      return next_ += std::countr_zero(word);
    next_ = (next_ / kWordBits + 1) * kWordBits;
  }
  return next_ = pages_;
}

std::string MappedRegion::describe_cut(uint64_t offset) const {
  if (bitmap_.size() < bitmap_bytes_)
    return fmt::format("in the bitmap ({} of {} bytes)", bitmap_.size(),
                       bitmap_bytes_);
  if (offset < at_.pages_offset)
    return "between the bitmap and the pages";
  return fmt::format("at page {:#x} of {:#x} bytes",
                     (offset - at_.pages_offset) / at_.page_size *
                         at_.page_size,
                     pages_ * at_.page_size);
}

} // namespace migscope::captures
