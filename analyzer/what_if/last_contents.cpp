#include "analyzer/what_if/last_contents.h"

namespace migscope::analyzer {

void LastContents::set_blocks(std::span<const captures::RamBlock> blocks,
                              uint32_t page_size) {
  page_size_ = page_size;
  content_.resize(page_size);
  if (starts_.empty())
    starts_.push_back(0);
  for (const captures::RamBlock& block : blocks.subspan(maps_.size())) {
    uint64_t pages = block.used_length / page_size + 1;
    starts_.push_back(starts_.back() + pages * page_size);
    maps_.emplace_back();
  }
}

Result<DecodedPage> LastContents::load(uint32_t block, uint64_t address) {
  const PageEntry& entry = maps_[block].at(address / page_size_);
  if (entry.held != Held::data)
    return DecodedPage{entry.held, {}};
  if (auto read = file_.read_at(starts_[block] + address, content_); !read)
    return fail(read.error());
  return DecodedPage{Held::data, content_};
}

Status LastContents::keep(uint32_t block, uint64_t address,
                          const DecodedPage& page, bool same) {
  Held& held = maps_[block].at(address / page_size_).held;
  bool kept = same && held == page.held;
  held = page.held;
  if (kept || page.held != Held::data)
    return {};
  return file_.write_at(starts_[block] + address, page.content);
}

} // namespace migscope::analyzer
