// Guest memory as a stream fills it: its RAM blocks, page by page.
//
// What cannot be known is never guessed: an xbzrle page whose base was not
// captured, a page that could not be read and one that postcopy discarded are
// unknown until they are sent again, and stand as zeros where they are stored.
#pragma once

#include "analyzer/memory/machine_facts.h"
#include "analyzer/memory/page_decoder.h"
#include "analyzer/memory/sparse_file.h"
#include "analyzer/problem_log.h"
#include "captures/stream/events.h"

#include <functional>

namespace migscope::analyzer {

// Where the content of a block is stored.
struct BlockStore {
  SparseFile* file = nullptr; // outlives the image; null: the block is left out
  uint64_t offset = 0;        // of the block's first byte in the file
};

// Called once for each block, in the order of the list.
using PlaceBlock =
    std::function<Result<BlockStore>(const captures::RamBlock& block)>;

// Sends that left a page unknown.
struct UnreadSends {
  uint64_t without_base = 0; // xbzrle, and what it changes is not known
  uint64_t unread = 0;       // the content is not in the capture
  uint64_t broken = 0;       // the encoding makes no sense
};

// Pages of a block, each counted once.
struct HeldPages {
  uint64_t pages = 0; // in the block
  uint64_t zero = 0, data = 0;
  uint64_t unknown = 0;    // never sent ones among them
  uint64_t never_sent = 0; // or discarded since
  // Known, but sent before a stretch of damage that may hold a later send, or
  // while there is a multifd channel that was cut.
  uint64_t perhaps_stale = 0;
};

class MemoryImage final : public ProblemLog {
public:
  // Pages at `stop` (an offset on the main channel) and later are not taken.
  explicit MemoryImage(PlaceBlock place, std::optional<uint64_t> stop = {});
  ~MemoryImage() override;

  void on_configuration(const captures::Configuration&) override;
  void on_section_begin(const captures::SectionHeader&) override;
  void on_section_end(const captures::SectionHeader&,
                      const captures::SectionEnd&) override;
  void on_device_body(const captures::SectionHeader&,
                      std::span<const std::byte> body) override;
  void on_ram_blocks(std::span<const captures::RamBlock>,
                     uint32_t page_size) override;
  void on_pages(std::span<const captures::PageItem>) override;
  void on_command(const captures::CommandItem&) override;
  void on_eof(uint64_t offset) override;
  void on_damage(const captures::Damage&) override;

  // A channel that may have held a later send of any page is not here, or not
  // to its end.
  void lose_channel() { ++damages_; }

  [[nodiscard]] const std::vector<captures::RamBlock>& blocks() const {
    return blocks_;
  }
  [[nodiscard]] const BlockStore& store(size_t block) const {
    return stores_[block];
  }
  [[nodiscard]] uint32_t page_size() const { return page_size_; }
  [[nodiscard]] const MachineFacts& facts() const { return facts_; }
  [[nodiscard]] const UnreadSends& unread() const { return unread_; }
  // Why content could not be stored; nothing is stored after it.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  // The capability that leaves shared blocks out is on.
  [[nodiscard]] bool ignores_shared() const { return ignores_shared_; }

  [[nodiscard]] HeldPages held(size_t block) const;
  // XXH3 of index and content of all pages that hold data, ascending: equal
  // for blocks of equal content. A block that is left out has none.
  [[nodiscard]] Result<uint64_t> digest(size_t block) const;
  // Calls visit(byte offset in the block, content) for every page that holds
  // data, ascending. Content lives until the call returns.
  using VisitData =
      std::function<Status(uint64_t offset, std::span<const std::byte>)>;
  [[nodiscard]] Status for_each_data(size_t block,
                                     const VisitData& visit) const;

private:
  void take(const captures::PageItem& item);
  void count_unread(const captures::PageItem& item, const DecodedPage& page);
  [[nodiscard]] Status store_page(size_t block, uint64_t address,
                                  PageEntry& entry, const DecodedPage& page);
  [[nodiscard]] Status write_page(size_t block, uint64_t address,
                                  std::span<const std::byte> content);
  [[nodiscard]] uint64_t pages_of(uint64_t bytes) const;
  [[nodiscard]] Status load_page(size_t block, uint64_t address,
                                 std::span<std::byte> out) const;
  [[nodiscard]] Status discard(const captures::CommandItem& item);

  PlaceBlock place_;
  std::optional<uint64_t> stop_;
  std::optional<Error> failure_;
  MachineFacts facts_;
  std::vector<captures::RamBlock> blocks_;
  std::vector<BlockStore> stores_;
  std::vector<PageMap> maps_;
  uint32_t page_size_ = 0;
  std::unique_ptr<PageDecoder> decoder_; // there as soon as blocks_ are
  std::vector<std::byte> base_;          // a page, for xbzrle
  UnreadSends unread_;
  uint32_t damages_ = 0;
  std::optional<size_t> ram_ended_on_; // channel
  bool eof_ = false;
  bool ignores_shared_ = false;
};

} // namespace migscope::analyzer
