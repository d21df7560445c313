// Where a mapped-ram file keeps the pages of one RAM block: right behind the
// block's entry in the list (QEMU migration/ram.c, mapped_ram_setup_ramblock,
// 9.0+; docs/devel/migration/mapped-ram.rst).
//
// Bitmap, padding, then a place for every page, whether it is there or not.
// QEMU writes the bitmap last, when the guest stands still. In a file that was
// left before that it says that no page is there.
#pragma once

#include "captures/stream/events.h"
#include "captures/stream/window.h"

namespace migscope::captures {

// The header in the entry of `block`, whose first byte has the given offset.
// Nothing where the block is left out, or where `in` is short. Fails unless the
// bitmap follows and the pages stand where pages of `page_size` can.
[[nodiscard]] Result<std::optional<MappedPages>>
read_mapped_header(ItemReader& in, uint64_t offset, const RamBlock& block,
                   uint32_t page_size);

class MappedRegion {
public:
  // The bitmap comes next. `index` is the block's in the list.
  void begin(const RamBlock& block, uint32_t index);
  [[nodiscard]] bool open() const { return open_; }
  void abandon();

  // Takes what it can and adds the pages that are there to `batch`, of which
  // `filled` are in use. Done behind the last page's place. Without need, the
  // batch is full. What holds no page is passed over, not read.
  [[nodiscard]] Step decode(const Window& in, std::span<PageItem> batch,
                            size_t& filled);

  // Bits of the bitmap that stood for no page.
  [[nodiscard]] uint64_t stray_bits() const { return stray_bits_; }
  // "in page 0x1000", for an input that ends at `offset`.
  [[nodiscard]] std::string describe_cut(uint64_t offset) const;

private:
  [[nodiscard]] size_t take_bitmap(const Window& in);
  void clear_stray_bits();
  [[nodiscard]] uint64_t next_page();

  MappedPages at_;
  std::vector<std::byte> bitmap_; // as much of it as has come
  uint64_t bitmap_bytes_ = 0;
  uint64_t pages_ = 0;
  uint64_t next_ = 0; // no page to tell of before this one
  uint64_t stray_bits_ = 0;
  uint32_t index_ = 0;
  bool open_ = false;
};

} // namespace migscope::captures
