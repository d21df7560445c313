// Bodies of the `ram` sections: block list, pages, marks (QEMU
// migration/ram.c).
#pragma once

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

  // Only a START may hold the block list.
  void begin(SectionKind kind);
  // Tells of every whole item in the window. Done after the EOS word. All
  // views have been handed over when it returns, failure included.
  [[nodiscard]] Result<Step> decode(const Window& in);
  // What is cut where the input ends after these bytes of an item.
  [[nodiscard]] std::string describe_cut(const Window& rest) const;

private:
  struct Word {
    uint64_t offset = 0;
    uint64_t address = 0;
    uint64_t flags = 0;
  };

  [[nodiscard]] Result<Step> items(const Window& in);
  [[nodiscard]] size_t page_run(const Window& in);
  [[nodiscard]] size_t fill_batch(const Window& in);
  [[nodiscard]] Result<Step> item(const Window& in);
  [[nodiscard]] Result<Step> mark(const Word& word);
  [[nodiscard]] Result<Step> page(const Word& word, ItemReader& in);
  [[nodiscard]] Result<uint32_t> page_block(const Word& word,
                                            ItemReader& in) const;
  [[nodiscard]] Result<PageItem> payload(const Word& word, ItemReader& in);
  [[nodiscard]] Word split(uint64_t offset, uint64_t word) const;
  void flush();

  StreamEvents& events_;
  RamBlockList list_;
  RamListLayout layout_;
  std::vector<PageItem> batch_;
  size_t batched_ = 0;
  uint32_t page_size_ = 0;
  uint64_t flag_mask_ = 0;
  // The block of the page before, which CONTINUE means. It outlives sections.
  std::optional<uint32_t> block_;
  bool pages_only_ = false;
  bool in_start_ = false;
  bool in_list_ = false;
};

} // namespace migscope::captures
