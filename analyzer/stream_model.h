// One migration's channels read from end to end, reduced to what the analysis
// needs: sections, totals a block, devices, and the page ledger.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/memory/guest_layout.h"
#include "analyzer/pages/heat_counter.h"
#include "analyzer/pages/page_ledger.h"
#include "analyzer/pages/pause_runs.h"
#include "analyzer/pages/section_repeats.h"
#include "analyzer/problem_log.h"
#include "captures/stream/events.h"

#include <map>

namespace migscope::analyzer {

// One `ram` PART or END section, or a START with pages (mapped-ram's has). On a
// multifd migration's main channel it holds also the pages of the epochs that
// end in it. Where the epochs are scans of memory (StreamMarks::multifd) it is
// a stretch of a scan instead, on whichever channel that began: no section
// tells when its pages were sent, but their order does.
struct RamSection {
  size_t channel = 0;
  uint64_t offset = 0; // in the channel
  uint64_t end = 0;    // first byte after it; 0 while unfinished
  captures::SectionKind kind = captures::SectionKind::part;
  uint64_t pages = 0, zero = 0, normal = 0, xbzrle = 0, compressed = 0;
  uint64_t xbzrle_bytes = 0; // of the page items of xbzrle pages
  uint64_t resent = 0, same_content = 0;
  uint64_t bytes = 0; // of its page items
  // 1 + index of the newest earlier section that holds a page sent here again;
  // 0: none. A dirty-bitmap sync lies after that section and before this one.
  uint32_t repeats = 0;
};

// Where a scan of memory ended.
struct ScanEnd {
  size_t stretch = 0;    // index of the first section behind it
  uint64_t sections = 0; // PART sections that had begun by then
  bool in_end = false;   // END had, too
};

// Offsets at which the phases of the end begin.
struct StreamMarks {
  // SWITCHOVER_START (10.0+), else the first SECTION_END: the guest stands
  // still when it is written.
  std::optional<uint64_t> switchover;
  std::optional<uint64_t> ram_end_begin, ram_end_end;
  std::optional<uint64_t> eof;         // the end-of-stream byte
  std::optional<uint64_t> description; // the JSON text after it
  // Postcopy: the package that the destination starts from, and the first byte
  // after it.
  std::optional<uint64_t> package_begin, package_end;
  // A command that only a switch to postcopy sends, or a second connection.
  bool postcopy = false;
  bool multifd = false; // MULTIFD_FLUSH: each scan of memory ends with one
  bool mapped = false;  // a mapped-ram file
};

class StreamModel final : public ProblemLog {
public:
  // `pool` outlives this.
  StreamModel(TaskPool& pool, Content content);
  ~StreamModel() override;

  void on_configuration(const captures::Configuration&) override;
  void on_section_begin(const captures::SectionHeader&) override;
  void on_section_end(const captures::SectionHeader&,
                      const captures::SectionEnd&) override;
  void on_device_body(const captures::SectionHeader&,
                      std::span<const std::byte> body) override;
  void on_ram_blocks(std::span<const captures::RamBlock>,
                     uint32_t page_size) override;
  void on_pages(std::span<const captures::PageItem>) override;
  void on_piece(std::span<const std::byte> piece,
                const std::shared_ptr<const void>& keep) override;
  void on_multifd_flush(uint64_t offset) override;
  void on_device_packet(const captures::MultifdDeviceState&) override;
  void on_command(const captures::CommandItem&) override;
  void on_package_begin(uint64_t offset, uint32_t bytes) override;
  void on_package_end(uint64_t offset) override;
  void on_eof(uint64_t offset) override;
  void on_description(std::string_view json, uint64_t offset) override;
  void on_damage(const captures::Damage&) override;

  // Nothing more comes: all below is complete only now.
  void finish();

  [[nodiscard]] const std::optional<captures::Configuration>&
  configuration() const {
    return configuration_;
  }
  [[nodiscard]] const std::vector<RamSection>& sections() const {
    return sections_;
  }
  [[nodiscard]] const std::vector<DeviceState>& devices() const {
    return devices_;
  }
  [[nodiscard]] std::vector<IterableState> iterables() const;
  [[nodiscard]] const StreamMarks& marks() const { return marks_; }
  // Where sections are stretches of scans.
  [[nodiscard]] const std::vector<ScanEnd>& scans() const { return scans_; }
  // Of the scan in which END began, the first stretch; nothing before END.
  [[nodiscard]] std::optional<size_t> end_scan() const { return end_scan_; }
  // Blocks and totals; QEMU's counters are left for the caller.
  [[nodiscard]] Ram ram() const;
  // The rest as it is. There as soon as there is RAM.
  [[nodiscard]] const PageLedger& ledger() const { return *ledger_; }
  [[nodiscard]] uint64_t zero_digest() const { return hasher_->zero_digest(); }
  [[nodiscard]] bool contents_are_known() const {
    return content_ == Content::hashed;
  }
  [[nodiscard]] const std::vector<BlockTotals>& blocks() const {
    return blocks_;
  }
  [[nodiscard]] const SectionRepeats& repeats() const { return repeats_; }
  [[nodiscard]] const HeatCounter& heat() const { return heat_; }
  [[nodiscard]] const PauseRuns& pause_runs() const { return pause_runs_; }
  // Where the guest finds the blocks, as far as the stream tells.
  [[nodiscard]] GuestLayout layout() const;
  // Bytes of a target page; nothing before the block list.
  [[nodiscard]] std::optional<uint32_t> page_size() const {
    return has_ram() ? std::optional(ledger_->page_size()) : std::nullopt;
  }
  [[nodiscard]] bool has_ram() const { return !blocks_.empty(); }

private:
  using Owner = std::pair<std::string, uint32_t>; // idstr, instance

  void add_pages(std::span<const captures::PageItem> pages);
  void add_scanned(std::span<const captures::PageItem> pages);
  void open_stretch(uint64_t offset);
  void open_ram_section(const captures::SectionHeader& header);
  [[nodiscard]] bool is_one_too_many(uint64_t offset, bool end);
  void close_ram_section(uint64_t end);
  void record(std::span<const HashedPage> pages);
  void record(const SentRun& run, uint64_t wire_bytes);
  void record_again(const HashedPage& page, const SendResult& sent);
  // Null above limits::kMaxSections, which is told of once.
  [[nodiscard]] IterableState*
  iterable(uint64_t offset, const std::string& name, uint32_t instance);

  TaskPool& pool_;
  Content content_;
  std::unique_ptr<PageLedger> ledger_; // there as soon as blocks_ are
  std::unique_ptr<PageHasher> hasher_; // as ledger_
  std::optional<captures::Configuration> configuration_;
  std::vector<BlockTotals> blocks_;
  uint64_t pages_ = 0;                         // of all blocks
  std::vector<captures::RamBlock> ram_blocks_; // as they were told
  MachineFacts facts_;
  SectionRepeats repeats_;
  HeatCounter heat_;
  PauseRuns pause_runs_;
  std::vector<RamSection> sections_;
  uint64_t start_ = 0; // offset of the START that is none of them
  std::vector<DeviceState> devices_;
  std::map<Owner, IterableState> iterables_;
  StreamMarks marks_;
  std::optional<size_t> main_; // channel of the first section
  bool in_ram_section_ = false;
  std::vector<ScanEnd> scans_;
  uint64_t parts_ = 0;      // PART sections that have begun
  bool in_stretch_ = false; // the last section is of this scan
  std::optional<size_t> end_scan_;
  bool too_large_ = false; // the block list
  bool told_of_sections_ = false, told_of_iterables_ = false;
};

} // namespace migscope::analyzer
