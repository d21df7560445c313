// Bodies of the `ram` sections: block list, pages, marks (QEMU
// migration/ram.c).
#pragma once

#include "captures/stream/mapped_region.h"
#include "captures/stream/page_word.h"
#include "captures/stream/ram_blocks.h"

namespace migscope::captures {

class RamBody {
public:
  // `events` outlives this.
  explicit RamBody(StreamEvents& events);

  [[nodiscard]] RamBlockList& list() { return list_; }
  [[nodiscard]] const RamBlockList& list() const { return list_; }
  // Bytes; a power of two within limits.h.
  void set_page_size(uint32_t bytes);
  [[nodiscard]] uint32_t page_size() const { return page_size_; }
  void set_list_layout(const RamListLayout& layout) { layout_ = layout; }

  // For a channel that has nothing but normal and zero pages, and EOS.
  void expect_pages_only() { pages_only_ = true; }

  // Only a START may hold the block list. `offset` is the section's.
  void begin(SectionKind kind, uint64_t offset);
  // Tells of every whole item in the window. Done after the EOS word. All
  // views have been handed over when it returns, failure included.
  [[nodiscard]] Result<Step> decode(const Window& in);
  // The section ends at a damage.
  void break_off();
  // Tells how many pages of the section could not be told of.
  void tell_unplaced();
  // Pages may have been lost. Where the next one has flag CONTINUE, its block
  // is known only if no other block has its address; until then pages are
  // counted, not told of.
  void forget_block();

  // Whether bytes[at...] can be the begin of a PART or END.
  [[nodiscard]] Judgement judge(const Window& in, size_t at) const;
  // What is cut where the input ends after these bytes of an item.
  [[nodiscard]] std::string describe_cut(const Window& rest) const;

private:
  // The block of a page: nothing where it cannot be known.
  using Owner = std::optional<uint32_t>;

  [[nodiscard]] Result<Step> items(const Window& in);
  [[nodiscard]] size_t page_run(const Window& in);
  [[nodiscard]] size_t fill_batch(const Window& in);
  [[nodiscard]] Result<Step> list_item(const Window& in);
  [[nodiscard]] Step mapped_pages(const Window& in);
  [[nodiscard]] Result<Step> item(const Window& in);
  [[nodiscard]] Result<Step> mark(const PageWord& word);
  [[nodiscard]] Result<Step> page(const PageWord& word, ItemReader& in);
  [[nodiscard]] Result<Owner> page_owner(const PageWord& word,
                                         ItemReader& in) const;
  [[nodiscard]] Result<Owner> named_owner(const PageWord& word,
                                          std::string_view name) const;
  [[nodiscard]] Status check_address(const PageWord& word, Owner owner) const;
  void put(const PageItem& item);
  [[nodiscard]] PageWord split(uint64_t offset, uint64_t word) const;
  void flush();

  StreamEvents& events_;
  RamBlockList list_;
  RamListLayout layout_;
  MappedRegion region_;
  std::vector<PageItem> batch_;
  size_t batched_ = 0;
  uint64_t section_ = 0;  // offset
  uint64_t unplaced_ = 0; // pages of this section whose block is not known
  uint32_t page_size_ = 0;
  uint64_t flag_mask_ = 0;
  // The block of the page before, which CONTINUE means. It outlives sections.
  Owner block_;
  bool pages_only_ = false;
  bool lost_ = false; // there was a page before, but its block is not known
  bool in_start_ = false;
  bool in_list_ = false;
};

} // namespace migscope::captures
