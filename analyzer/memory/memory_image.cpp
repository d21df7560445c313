#include "analyzer/memory/memory_image.h"

#include "captures/stream/command.h"
#include "captures/stream/wire.h"

#include <algorithm>
#include <xxhash.h>

namespace migscope::analyzer {

using captures::PageItem;
using captures::PageKind;
using captures::RamBlock;

MemoryImage::MemoryImage(PlaceBlock place, std::optional<uint64_t> stop)
    : place_(std::move(place)), stop_(stop) {}

MemoryImage::~MemoryImage() = default;

void MemoryImage::on_configuration(const captures::Configuration& value) {
  facts_.machine = value.machine;
  ignores_shared_ = std::ranges::find(value.capabilities, "x-ignore-shared") !=
                    value.capabilities.end();
}

void MemoryImage::on_device_body(const captures::SectionHeader& header,
                                 std::span<const std::byte> body) {
  note_device(facts_, header, body);
}

void MemoryImage::on_ram_blocks(std::span<const RamBlock> blocks,
                                uint32_t page_size) {
  if (!decoder_) {
    page_size_ = page_size;
    decoder_ = std::make_unique<PageDecoder>(page_size);
    base_.resize(page_size);
  }
  // A mapped-ram file tells of its blocks one by one.
  while (blocks_.size() < blocks.size() && !failure_) {
    const RamBlock& block = blocks[blocks_.size()];
    auto store = place_(block);
    if (!store)
      failure_ = store.error();
    blocks_.push_back(block);
    stores_.push_back(store ? *store : BlockStore());
    maps_.emplace_back();
  }
}

void MemoryImage::on_pages(std::span<const PageItem> pages) {
  for (const PageItem& item : pages) {
    if (failure_)
      return;
    if (stores_[item.block].file && !(stop_ && item.offset >= *stop_))
      take(item);
  }
}

void MemoryImage::take(const PageItem& item) {
  PageEntry& entry = maps_[item.block].at(item.address / page_size_);
  DecodedPage before{entry.held, {}};
  Status done;
  if (item.kind == PageKind::xbzrle && entry.held == Held::data) {
    done = load_page(item.block, item.address, base_);
    before.content = base_;
  }
  DecodedPage page = decoder_->decode(item, before);
  if (page.held == Held::unknown)
    count_unread(item, page);
  if (done)
    done = store_page(item.block, item.address, entry, page);
  entry.damages = damages_;
  if (!done)
    failure_ = done.error();
}

void MemoryImage::count_unread(const PageItem& item, const DecodedPage& page) {
  if (page.broken)
    ++unread_.broken;
  else if (item.kind == PageKind::xbzrle)
    ++unread_.without_base;
  else
    ++unread_.unread;
}

Status MemoryImage::store_page(size_t block, uint64_t address, PageEntry& entry,
                               const DecodedPage& page) {
  std::span<const std::byte> content = page.content;
  bool had_data = entry.held == Held::data;
  entry.held = page.held;
  if (page.held != Held::data) {
    if (!had_data)
      return {}; // a hole, or zeros already
    std::ranges::fill(base_, std::byte{0});
    content = base_;
  }
  return write_page(block, address, content);
}

Status MemoryImage::write_page(size_t block, uint64_t address,
                               std::span<const std::byte> content) {
  // The last page of a block may be torn.
  uint64_t room = blocks_[block].used_length - address;
  return stores_[block].file->write_at(
      stores_[block].offset + address,
      content.first(std::min<uint64_t>(content.size(), room)));
}

uint64_t MemoryImage::pages_of(uint64_t bytes) const {
  return bytes / page_size_ + (bytes % page_size_ != 0);
}

Status MemoryImage::load_page(size_t block, uint64_t address,
                              std::span<std::byte> out) const {
  return stores_[block].file->read_at(stores_[block].offset + address, out);
}

void MemoryImage::on_command(const captures::CommandItem& item) {
  auto command = static_cast<captures::wire::Command>(item.command);
  if (failure_ || command != captures::wire::Command::postcopy_discard)
    return;
  if (auto done = discard(item); !done)
    failure_ = done.error();
}

Status MemoryImage::discard(const captures::CommandItem& item) {
  auto ranges = captures::parse_ram_discard(item);
  if (!ranges)
    return {}; // the decoder has told of it
  auto block = std::ranges::find(blocks_, ranges->block, &RamBlock::name);
  if (block == blocks_.end())
    return {};
  auto index = static_cast<size_t>(block - blocks_.begin());
  Status done;
  std::ranges::fill(base_, std::byte{0});
  for (const auto& range : ranges->ranges) {
    uint64_t start = std::min(range.start, block->used_length);
    uint64_t end = start + std::min(range.length, block->used_length - start);
    maps_[index].forget(start / page_size_, pages_of(end), [&](uint64_t page) {
      if (done)
        done = write_page(index, page * page_size_, base_);
    });
  }
  return done;
}

void MemoryImage::on_section_begin(const captures::SectionHeader& header) {
  if (header.idstr == "ram")
    ram_ended_on_.reset();
}

void MemoryImage::on_section_end(const captures::SectionHeader& header,
                                 const captures::SectionEnd&) {
  if (header.idstr == "ram" && header.kind == captures::SectionKind::end)
    ram_ended_on_ = channel();
}

void MemoryImage::on_eof(uint64_t) {
  eof_ = true;
}

void MemoryImage::on_damage(const captures::Damage& damage) {
  ProblemLog::on_damage(damage);
  // After the END section its channel brings no more pages.
  if (ram_ended_on_ != channel())
    ++damages_;
}

HeldPages MemoryImage::held(size_t block) const {
  HeldPages out;
  const RamBlock& told = blocks_[block];
  out.pages = pages_of(told.used_length);
  maps_[block].for_each([&](uint64_t, const PageEntry& entry) {
    out.zero += entry.held == Held::zero;
    out.data += entry.held == Held::data;
    out.unknown += entry.held == Held::unknown;
    out.perhaps_stale +=
        entry.held != Held::unknown && entry.damages != damages_;
  });
  uint64_t absent = out.pages - out.zero - out.data - out.unknown;
  if (told.mapped && eof_ && damages_ == 0) {
    out.zero += absent;
  } else {
    out.never_sent = absent;
    out.unknown += absent;
  }
  return out;
}

Status MemoryImage::for_each_data(size_t block, const VisitData& visit) const {
  std::vector<std::byte> content(page_size_);
  Status done;
  maps_[block].for_each([&](uint64_t page, const PageEntry& entry) {
    if (!done || entry.held != Held::data)
      return;
    uint64_t at = page * page_size_;
    auto whole = std::span(content).first(
        std::min<uint64_t>(page_size_, blocks_[block].used_length - at));
    done = load_page(block, at, whole);
    if (done)
      done = visit(at, whole);
  });
  return done;
}

Result<uint64_t> MemoryImage::digest(size_t block) const {
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(
      XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(state.get());
  Status done = for_each_data(
      block, [&](uint64_t offset, std::span<const std::byte> content) {
        XXH3_64bits_update(state.get(), &offset, sizeof offset);
        XXH3_64bits_update(state.get(), content.data(), content.size());
        return Status();
      });
  if (!done)
    return fail(done.error());
  return XXH3_64bits_digest(state.get());
}

} // namespace migscope::analyzer
