// What was sent last for each page, in a file without a name: as much disk as
// the pages that are kept, and eight bytes a page of memory.
#pragma once

#include "analyzer/memory/page_decoder.h"
#include "analyzer/memory/sparse_file.h"

namespace migscope::analyzer {

class LastContents {
public:
  explicit LastContents(SparseFile file) : file_(std::move(file)) {}

  // A list told again may be longer, and what was kept stays.
  void set_blocks(std::span<const captures::RamBlock> blocks,
                  uint32_t page_size);

  // What the page held. `never` where nothing was kept of it. The content lives
  // until the next call.
  [[nodiscard]] Result<DecodedPage> load(uint32_t block, uint64_t address);
  // `same`: it is what the page held when it was sent last, kept or not.
  [[nodiscard]] Status keep(uint32_t block, uint64_t address,
                            const DecodedPage& page, bool same);

private:
  SparseFile file_;
  uint32_t page_size_ = 0;
  std::vector<PageMap> maps_;
  std::vector<uint64_t> starts_; // of each block in the file, and the next one
  std::vector<std::byte> content_;
};

} // namespace migscope::analyzer
