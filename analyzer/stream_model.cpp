#include "analyzer/stream_model.h"

#include "captures/stream/limits.h"
#include "captures/stream/window.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {

using captures::PageItem;
using captures::PageKind;
using captures::SectionEnd;
using captures::SectionHeader;
using captures::SectionKind;

namespace {

// A packet's worth. Of large memory more, so that there are not more stretches
// in a scan than kMostStretches.
constexpr uint64_t kStretchPages = 128;
constexpr uint64_t kMostStretches = 1u << 16;

void count(RamSection& section, const PageItem& page) {
  ++section.pages;
  section.bytes += page.wire_bytes;
  switch (page.kind) {
  case PageKind::zero:
    ++section.zero;
    break;
  case PageKind::normal:
    ++section.normal;
    break;
  case PageKind::xbzrle:
    ++section.xbzrle;
    section.xbzrle_bytes += page.wire_bytes;
    break;
  case PageKind::compressed:
    ++section.compressed;
    break;
  }
}

} // namespace

StreamModel::StreamModel(TaskPool& pool, Content content)
    : pool_(pool), content_(content) {}
StreamModel::~StreamModel() = default;

void StreamModel::on_configuration(const captures::Configuration& value) {
  configuration_ = value;
  marks_.mapped = std::ranges::find(value.capabilities, "mapped-ram") !=
                  value.capabilities.end();
}

void StreamModel::on_section_begin(const SectionHeader& header) {
  // Only a postcopy goes on over another connection. The command that switched
  // to it may be lost.
  marks_.postcopy |= channel() != main_.value_or(channel());
  main_ = main_.value_or(channel());
  if (header.kind == SectionKind::end && !marks_.switchover)
    marks_.switchover = header.offset;
  in_ram_section_ = false;
  if (header.idstr == "ram" && header.kind != SectionKind::full)
    open_ram_section(header);
}

void StreamModel::open_ram_section(const SectionHeader& header) {
  if (header.kind == SectionKind::start && !marks_.mapped) {
    start_ = header.offset;
    return;
  }
  in_ram_section_ = true;
  bool end = header.kind == SectionKind::end;
  if (marks_.multifd) {
    if (end) {
      marks_.ram_end_begin = header.offset;
      end_scan_ = end_scan_.value_or(scans_.back().stretch);
    } else {
      ++parts_;
    }
    return;
  }
  if (is_one_too_many(header.offset, end))
    return;
  if (end && marks_.ram_end_begin)
    add(Severity::error, header.offset,
        "a second END of RAM; its pages are counted with the pause's");
  RamSection section;
  section.channel = channel();
  section.offset = header.offset;
  section.kind = header.kind;
  sections_.push_back(section);
  if (end)
    marks_.ram_end_begin = header.offset;
}

void StreamModel::open_stretch(uint64_t offset) {
  in_stretch_ = true;
  if (is_one_too_many(offset, false))
    return;
  RamSection stretch;
  stretch.channel = channel();
  stretch.offset = offset;
  sections_.push_back(stretch);
}

// Its pages are counted with those of the section before. An END has its own
// place still, as it tells of the pause.
bool StreamModel::is_one_too_many(uint64_t offset, bool end) {
  constexpr size_t kMost = captures::limits::kMaxRamSections;
  bool first_end = end && !marks_.ram_end_begin;
  if (sections_.size() < kMost || first_end)
    return false;
  if (!std::exchange(told_of_sections_, true))
    add(Severity::error, offset,
        fmt::format("more than {} RAM sections: what follows is counted, but "
                    "its rounds cannot be told apart",
                    kMost));
  return true;
}

void StreamModel::close_ram_section(uint64_t end) {
  if (in_ram_section_ && !marks_.multifd)
    sections_.back().end = end;
  in_ram_section_ = false;
}

void StreamModel::on_section_end(const SectionHeader& header,
                                 const SectionEnd& end) {
  if (in_ram_section_ && header.kind == SectionKind::end)
    marks_.ram_end_end = end.end;
  close_ram_section(end.end);
  if (header.kind != SectionKind::full) {
    if (header.idstr == "ram")
      return;
    if (IterableState* state =
            iterable(header.offset, header.idstr, header.instance_id)) {
      ++state->sections;
      state->bytes += end.end - header.offset;
    }
    return;
  }
  DeviceState device;
  device.name = header.idstr;
  device.instance_id = header.instance_id;
  device.version = header.version_id;
  device.bytes = end.end - header.offset;
  device.offset = header.offset;
  device.in_pause = marks_.switchover.has_value();
  devices_.push_back(std::move(device));
}

void StreamModel::on_ram_blocks(std::span<const captures::RamBlock> blocks,
                                uint32_t page_size) {
  if (too_large_)
    return;
  if (!ledger_) {
    ledger_ = std::make_unique<PageLedger>(page_size);
    hasher_ = std::make_unique<PageHasher>(
        pool_, content_, page_size,
        [this](std::span<const HashedPage> pages) { record(pages); });
  }
  for (const captures::RamBlock& block : blocks.subspan(blocks_.size())) {
    BlockTotals totals;
    totals.name = block.name;
    totals.bytes = block.used_length;
    totals.pages = block.used_length / page_size;
    blocks_.push_back(std::move(totals));
    ram_blocks_.push_back(block);
    pages_ += blocks_.back().pages;
  }
  if (!ledger_->set_blocks(blocks)) {
    too_large_ = true;
    hasher_->finish();
    add(Severity::error, 0,
        "the block list claims more memory than can be followed: "
        "there are no figures of RAM");
    blocks_.clear();
    return;
  }
  heat_.set_blocks(blocks, page_size);
}

void StreamModel::on_pages(std::span<const PageItem> pages) {
  if (blocks_.empty())
    return;
  if (marks_.multifd)
    return add_scanned(pages);
  if (sections_.empty()) { // QEMU writes none in START, but a stream may
    sections_.push_back({channel(), start_, 0, SectionKind::start});
    in_ram_section_ = true;
  }
  add_pages(pages);
}

void StreamModel::add_scanned(std::span<const PageItem> pages) {
  const uint64_t most = std::max(kStretchPages, pages_ / kMostStretches);
  while (!pages.empty()) {
    if (!in_stretch_ || sections_.back().pages >= most)
      open_stretch(pages.front().offset);
    uint64_t room = most - sections_.back().pages % most;
    auto some = pages.first(std::min<uint64_t>(room, pages.size()));
    add_pages(some);
    pages = pages.subspan(some.size());
  }
}

void StreamModel::add_pages(std::span<const PageItem> pages) {
  RamSection& section = sections_.back();
  for (const PageItem& page : pages)
    count(section, page);
  if (section.kind == SectionKind::end)
    for (const PageItem& page : pages)
      pause_runs_.add(page);
  hasher_->add(pages, static_cast<uint32_t>(sections_.size() - 1));
}

void StreamModel::on_piece(std::span<const std::byte> piece,
                           const std::shared_ptr<const void>& keep) {
  if (hasher_)
    hasher_->set_piece(piece, keep);
}

void StreamModel::finish() {
  if (hasher_)
    hasher_->finish();
  heat_.finish();
}

// Mostly pages follow each other and mean the same: what does not differ
// between them is counted once for all.
void StreamModel::record(std::span<const HashedPage> pages) {
  SentRun run;
  uint64_t wire_bytes = 0; // of it
  for (const HashedPage& page : pages) {
    SendResult sent = ledger_->record(page);
    if (page.page != run.first + run.pages || page.section != run.section ||
        page.block != run.block || sent.resent != run.resent) {
      record(run, wire_bytes);
      run = {page.block, page.section, page.page, 0, sent.resent};
      wire_bytes = 0;
    }
    ++run.pages;
    wire_bytes += page.wire_bytes;
    if (sent.resent)
      record_again(page, sent);
  }
  record(run, wire_bytes);
}

void StreamModel::record(const SentRun& run, uint64_t wire_bytes) {
  if (run.pages == 0)
    return;
  RamSection& section = sections_[run.section];
  BlockTotals& block = blocks_[run.block];
  block.sent_pages += run.pages;
  if (run.resent) {
    block.resent_pages += run.pages;
    section.resent += run.pages;
  } else {
    block.unique_pages += run.pages;
  }
  if (section.kind == SectionKind::end) {
    *block.stop_copy_pages += run.pages;
    *block.stop_copy_bytes += wire_bytes;
  }
  heat_.add(run);
}

void StreamModel::record_again(const HashedPage& page, const SendResult& sent) {
  RamSection& section = sections_[page.section];
  section.same_content += sent.same_content;
  // Multifd of 7.2 may send a page twice in one section, by mistake.
  if (sent.earlier_section <= page.section)
    section.repeats = std::max(section.repeats, sent.earlier_section);
  repeats_.add(page.section, sent.earlier_section - 1, sent.sent_once);
}

void StreamModel::on_command(const captures::CommandItem& item) {
  using captures::wire::Command;
  auto command = static_cast<Command>(item.command);
  if (command == Command::switchover_start)
    marks_.switchover = item.offset;
  if (command == Command::postcopy_listen || command == Command::postcopy_run)
    marks_.postcopy = true;
}

void StreamModel::on_package_begin(uint64_t offset, uint32_t /*bytes*/) {
  marks_.package_begin = offset;
  marks_.package_end.reset();
}

void StreamModel::on_package_end(uint64_t offset) {
  marks_.package_end = offset;
}

void StreamModel::on_device_body(const SectionHeader& header,
                                 std::span<const std::byte> body) {
  note_device(facts_, header, body);
}

void StreamModel::on_eof(uint64_t offset) {
  marks_.eof = offset;
}

void StreamModel::on_description(std::string_view /*json*/, uint64_t offset) {
  marks_.description = offset;
}

void StreamModel::on_multifd_flush(uint64_t /*offset*/) {
  marks_.multifd = true;
  in_stretch_ = false;
  if (scans_.size() < captures::limits::kMaxRamSections)
    scans_.push_back({sections_.size(), parts_, end_scan_.has_value()});
}

void StreamModel::on_device_packet(const captures::MultifdDeviceState& packet) {
  if (IterableState* state = iterable(packet.offset, std::string(packet.idstr),
                                      packet.instance_id))
    state->bytes += packet.payload.size();
}

IterableState* StreamModel::iterable(uint64_t offset, const std::string& name,
                                     uint32_t instance) {
  constexpr size_t kMost = captures::limits::kMaxSections;
  Owner owner(name, instance);
  if (iterables_.size() < kMost || iterables_.contains(owner)) {
    IterableState& state = iterables_[owner];
    state.name = name;
    state.instance_id = instance;
    return &state;
  }
  if (!std::exchange(told_of_iterables_, true))
    add(Severity::error, offset,
        fmt::format("state of {} is left out, and that of others after it: "
                    "more than {} send theirs in pieces",
                    captures::quoted(name), kMost));
  return nullptr;
}

std::vector<IterableState> StreamModel::iterables() const {
  std::vector<IterableState> out;
  for (const auto& [owner, state] : iterables_)
    out.push_back(state);
  return out;
}

void StreamModel::on_damage(const captures::Damage& damage) {
  close_ram_section(damage.resumed);
  ProblemLog::on_damage(damage);
}

GuestLayout StreamModel::layout() const {
  MachineFacts facts = facts_;
  if (configuration_)
    facts.machine = configuration_->machine;
  return guest_layout(ram_blocks_, facts);
}

Ram StreamModel::ram() const {
  Ram out;
  out.blocks = blocks_;
  uint64_t same_content = 0;
  for (const RamSection& section : sections_) {
    out.totals.zero += section.zero;
    out.totals.normal += section.normal;
    out.totals.xbzrle += section.xbzrle;
    out.totals.xbzrle_bytes += section.xbzrle_bytes;
    out.totals.compressed += section.compressed;
    out.totals.bytes += section.bytes;
    out.totals.resent_pages += section.resent;
    same_content += section.same_content;
  }
  out.totals.same_content_resends.reset();
  if (contents_are_known())
    out.totals.same_content_resends = same_content;
  for (const BlockTotals& block : blocks_)
    out.totals.unique_pages += block.unique_pages;
  out.totals.max_sends = ledger_->max_sends();
  return out;
}

} // namespace migscope::analyzer
