#include "analyzer/memory/page_map.h"

namespace migscope::analyzer {

PageEntry& PageMap::at(uint64_t page) {
  uint64_t chunk = page / kChunkPages;
  if (chunk != last_) {
    std::unique_ptr<Chunk>& slot = chunks_[chunk];
    if (!slot)
      slot = std::make_unique<Chunk>();
    last_ = chunk;
    last_chunk_ = slot.get();
  }
  return (*last_chunk_)[page % kChunkPages];
}

} // namespace migscope::analyzer
