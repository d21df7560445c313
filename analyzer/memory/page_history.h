// All that a stream tells of one page.
#pragma once

#include "analyzer/memory/page_decoder.h"
#include "analyzer/problem_log.h"

namespace migscope::analyzer {

// One send of the page, or its discard by postcopy.
struct PageSend {
  size_t channel = 0;
  uint64_t offset = 0;                        // of the page word or command
  std::optional<uint64_t> section;            // offset; nothing for a discard
  std::optional<captures::PageKind> kind;     // nothing for a discard
  uint32_t wire_bytes = 0;                    // 0 for a discard
  std::optional<uint64_t> digest;             // XXH3; nothing: not known
  std::optional<uint64_t> changed_bytes = {}; // since the send before
};

class PageHistory final : public ProblemLog {
public:
  // The page of the block that holds byte `offset` of it.
  PageHistory(std::string block, uint64_t offset);

  void on_section_begin(const captures::SectionHeader&) override;
  void on_ram_blocks(std::span<const captures::RamBlock>,
                     uint32_t page_size) override;
  void on_pages(std::span<const captures::PageItem>) override;
  void on_command(const captures::CommandItem&) override;

  // The block is in the list and holds the offset.
  [[nodiscard]] bool found() const { return index_.has_value(); }
  [[nodiscard]] const std::string& block() const { return block_; }
  // Of the page's first byte, in the block; known once found.
  [[nodiscard]] uint64_t address() const { return address_; }
  // In the order of the stream, as many as are kept.
  [[nodiscard]] const std::vector<PageSend>& sends() const { return sends_; }
  [[nodiscard]] uint64_t not_kept() const { return not_kept_; }

private:
  void add(const PageSend& send);
  void take(const captures::PageItem& item);

  std::string block_;
  uint64_t offset_;
  uint64_t address_ = 0;
  std::optional<size_t> index_;
  size_t seen_blocks_ = 0;
  std::unique_ptr<PageDecoder> decoder_; // there as soon as index_ is
  Held held_ = Held::never;
  std::vector<std::byte> content_; // zeros unless held_ is data
  std::optional<uint64_t> section_;
  std::vector<PageSend> sends_;
  uint64_t not_kept_ = 0;
};

} // namespace migscope::analyzer
