#include "analyzer/what_if/what_if.h"

#include "analyzer/pages/page_ledger.h"
#include "analyzer/read_recording.h"
#include "analyzer/what_if/savings_findings.h"
#include "analyzer/what_if/xbzrle_trial.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::PageItem;
using captures::PageKind;

// 7.2 as 702, from a machine type's name; nothing where it has none.
std::optional<unsigned> version_of(const std::optional<std::string>& machine) {
  if (!machine)
    return {};
  size_t dash = machine->rfind('-'), dot = machine->rfind('.');
  if (dash == machine->npos || dot == machine->npos || dot < dash)
    return {};
  unsigned major = 0, minor = 0;
  const char* text = machine->data();
  const char* end = text + machine->size();
  auto one = std::from_chars(text + dash + 1, text + dot, major);
  auto other = std::from_chars(text + dot + 1, end, minor);
  if (one.ptr != text + dot || other.ptr != end || major > 1000 || minor > 99)
    return {};
  return major * 100 + minor;
}

// 7.2.22 as 702; the newest where it is not known.
unsigned version_of_qemu(const std::optional<std::string>& version) {
  constexpr unsigned kNewest = 9999;
  if (!version)
    return kNewest;
  size_t end = version->find('.', version->find('.') + 1);
  return version_of("-" + version->substr(0, end)).value_or(kNewest);
}

bool has_placed_rounds(const Analysis& analysis) {
  return std::ranges::any_of(analysis.rounds, [](const Round& round) {
    return round.first_offset.has_value();
  });
}

std::string why_no_xbzrle(const Analysis& analysis) {
  if (analysis.outcome.mode == "precopy" && analysis.input.channels == 1 &&
      has_placed_rounds(analysis))
    return {};
  return fmt::format("xbzrle works on precopy over one channel; this is {}, "
                     "{} channels{}",
                     analysis.outcome.mode, analysis.input.channels,
                     has_placed_rounds(analysis) ? "" : ", without rounds");
}

// QEMU hw/core/machine.c: hw_compat_8_0 has multifd-flush-after-each-section
// on, hw_compat_8_2 zero-page-detection legacy. A machine type without a
// version, as vendors have, is taken for the newest that its QEMU knows.
PacketRules packet_rules(const Analysis& analysis) {
  PacketRules out;
  unsigned machine = version_of(analysis.vm.machine)
                         .value_or(version_of_qemu(analysis.vm.qemu));
  out.page_size = analysis.vm.page_size.value_or(4096);
  out.flush_sections = machine <= 800;
  out.zero_in_packets = machine > 802;
  out.scan_order = analysis.input.channels == 1;
  return out;
}

uint64_t pages_with_content(const RamTotals& totals) {
  return totals.normal + totals.xbzrle + totals.compressed;
}

class SecondReading final : public ProblemLog {
public:
  SecondReading(const Analysis& analysis, const WhatIfOptions& options,
                SparseFile scratch)
      : analysis_(analysis), options_(options), contents_(std::move(scratch)),
        xbzrle_(contents_),
        packets_(packet_rules(analysis),
                 pages_with_content(analysis.ram->totals),
                 options.sampled_pages, options.cpu_seconds) {
    out_.no_xbzrle = why_no_xbzrle(analysis);
    // An xbzrle page is the difference to what came before it.
    keeps_ = tries_xbzrle() || analysis.ram->totals.xbzrle > 0;
    for (const Round& round : analysis.rounds)
      if (round.first_offset)
        starts_.emplace_back(*round.first_offset, round.number);
  }

  void on_ram_blocks(std::span<const captures::RamBlock> blocks,
                     uint32_t page_size) override;
  void on_section_begin(const captures::SectionHeader& header) override;
  void on_section_end(const captures::SectionHeader& header,
                      const captures::SectionEnd&) override;
  void on_pages(std::span<const PageItem> items) override;

  [[nodiscard]] Result<WhatIf> finish();

private:
  [[nodiscard]] bool tries_xbzrle() const { return out_.no_xbzrle.empty(); }
  [[nodiscard]] Status set_blocks(std::span<const captures::RamBlock> blocks,
                                  uint32_t page_size);
  [[nodiscard]] Status take(const PageItem& item);
  [[nodiscard]] Status try_on(const TriedSend& send);
  [[nodiscard]] uint64_t generation(uint64_t offset) const;
  void count_unchanged(const TriedSend& send);

  const Analysis& analysis_;
  const WhatIfOptions& options_;
  std::optional<PageLedger> ledger_;   // with the block list
  std::optional<PageDecoder> decoder_; // likewise
  uint64_t zero_digest_ = 0;
  LastContents contents_;
  XbzrleTrial xbzrle_;
  PacketTrial packets_;
  bool keeps_ = false;
  // Offset and number of each round that sent something, ascending.
  std::vector<std::pair<uint64_t, uint64_t>> starts_;
  WhatIf out_;
  Status status_;
};

void SecondReading::on_ram_blocks(std::span<const captures::RamBlock> blocks,
                                  uint32_t page_size) {
  if (status_)
    status_ = set_blocks(blocks, page_size);
}

Status SecondReading::set_blocks(std::span<const captures::RamBlock> blocks,
                                 uint32_t page_size) {
  if (!decoder_) {
    ledger_.emplace(page_size);
    zero_digest_ = zeros_digest(page_size);
    decoder_.emplace(page_size);
  }
  if (!ledger_->set_blocks(blocks))
    return fail(ErrorKind::unsupported,
                "no room to follow the pages of all RAM blocks");
  contents_.set_blocks(blocks, page_size);
  return tries_xbzrle()
             ? xbzrle_.set_blocks(blocks, page_size, options_.smallest_cache)
             : Status();
}

void SecondReading::on_section_begin(const captures::SectionHeader& header) {
  if (header.idstr == "ram")
    xbzrle_.begin_section(generation(header.offset),
                          header.kind == captures::SectionKind::end);
}

void SecondReading::on_section_end(const captures::SectionHeader& header,
                                   const captures::SectionEnd&) {
  if (status_ && header.idstr == "ram")
    status_ = packets_.end_section();
}

// How many dirty-bitmap syncs lie before a section.
uint64_t SecondReading::generation(uint64_t offset) const {
  auto after = std::ranges::upper_bound(starts_, offset, {},
                                        &std::pair<uint64_t, uint64_t>::first);
  return after == starts_.begin() ? 0 : std::prev(after)->second;
}

void SecondReading::on_pages(std::span<const PageItem> items) {
  for (const PageItem& item : items)
    if (status_)
      status_ = take(item);
}

Status SecondReading::take(const PageItem& item) {
  DecodedPage before;
  if (item.kind == PageKind::xbzrle) {
    auto kept = contents_.load(item.block, item.address);
    if (!kept)
      return fail(kept.error());
    before = *kept;
  }
  DecodedPage page = decoder_->decode(item, before);
  HashedPage hashed{item.address / ledger_->page_size(), 0, item.block, 0,
                    item.wire_bytes};
  if (page.held == Held::zero)
    hashed.digest = zero_digest_;
  else if (!page.content.empty())
    hashed.digest = content_digest(page.content);
  SendResult result = ledger_->record(hashed);
  return try_on({item, page, result.resent, result.same_content});
}

Status SecondReading::try_on(const TriedSend& send) {
  out_.ram_bytes += send.item.wire_bytes;
  count_unchanged(send);
  if (tries_xbzrle())
    if (auto done = xbzrle_.take(send); !done)
      return done;
  if (auto done = packets_.take(send); !done)
    return done;
  bool kept = keeps_ && (xbzrle_.started() || !tries_xbzrle());
  if (!kept)
    return {};
  return contents_.keep(send.item.block, send.item.address, send.page,
                        send.same_content);
}

void SecondReading::count_unchanged(const TriedSend& send) {
  if (!send.same_content)
    return;
  UnchangedSends& out = out_.unchanged;
  bool zero = send.page.held == Held::zero;
  (zero ? out.zero_pages : out.pages) += 1;
  (zero ? out.zero_bytes : out.bytes) += send.item.wire_bytes;
}

Result<WhatIf> SecondReading::finish() {
  if (!status_)
    return fail(status_.error());
  if (tries_xbzrle())
    out_.xbzrle = xbzrle_.savings();
  auto packed = packets_.finish();
  if (!packed)
    return fail(packed.error());
  out_.multifd = std::move(*packed);
  return std::move(out_);
}

} // namespace

Status add_what_if(Analysis& analysis, const captures::Recording& recording,
                   const WhatIfOptions& options) {
  if (!analysis.ram)
    return fail(ErrorKind::unsupported,
                "what if: it takes the pages that were sent, and there is no "
                "stream with them");
  auto scratch = SparseFile::scratch(options.scratch);
  if (!scratch)
    return fail(scratch.error());
  SecondReading reading(analysis, options, std::move(*scratch));
  if (auto input = read_recording(recording, reading); !input)
    return fail(input.error());
  auto found = reading.finish();
  if (!found)
    return fail(found.error());
  analysis.what_if = std::move(*found);
  add_savings_findings(analysis);
  return {};
}

} // namespace migscope::analyzer
