#include "tests/fuzz/stream_witness.h"

namespace migscope::fuzz {

using namespace captures;

StreamWitness::StreamWitness(uint64_t start, const ConnectionState* before)
    : start_(start), end_(start), reached_(start) {
  if (before == nullptr)
    return;
  blocks_ = before->blocks;
  page_size_ = before->page_size;
}

void StreamWitness::within(uint64_t offset) const {
  require(offset >= start_ && offset <= end_, "offsets lie in the input");
}

void StreamWitness::advance(uint64_t offset) {
  within(offset);
  require(offset >= reached_, "events come in stream order");
  reached_ = offset;
  digest_.add(offset);
}

void StreamWitness::check(const Error& error) const {
  require(!error.message.empty(), "an error says what is wrong");
  if (error.kind == ErrorKind::usage)
    return;
  require(error.offset.has_value(), "an error has an offset");
  within(*error.offset);
}

void StreamWitness::on_header(uint32_t version) {
  digest_.add("header").add(version);
}

void StreamWitness::on_configuration(const Configuration& value) {
  digest_.add("configuration").add(value.machine);
  digest_.add(value.target_page_bits.value_or(0)).add(value.uuid.value_or(""));
  for (const std::string& name : value.capabilities)
    digest_.add(name);
}

void StreamWitness::on_section_begin(const SectionHeader& header) {
  require(!open_, "sections are not nested");
  open_ = header.id;
  advance(header.offset);
  digest_.add(header.idstr).add(header.id).add(header.instance_id);
  digest_.add(header.version_id).add(static_cast<uint64_t>(header.kind));
}

void StreamWitness::on_device_body(const SectionHeader& header,
                                   std::span<const std::byte> body) {
  require(open_ == header.id, "a body belongs to the open section");
  require(header.kind == SectionKind::full, "only a FULL has a body");
  digest_.add("body").add(body);
}

void StreamWitness::on_section_end(const SectionHeader& header,
                                   const SectionEnd& end) {
  require(open_ == header.id, "the section that ends is the open one");
  require(end.body_bytes < end.end - header.offset,
          "a body is shorter than its section");
  open_.reset();
  advance(end.end);
  digest_.add(end.body_bytes).add(static_cast<uint64_t>(end.extent));
}

void StreamWitness::on_ram_blocks(std::span<const RamBlock> blocks,
                                  uint32_t page_size) {
  blocks_.assign(blocks.begin(), blocks.end());
  page_size_ = page_size;
  digest_.add(page_size);
  for (const RamBlock& block : blocks) {
    digest_.add(block.name).add(block.used_length);
    digest_.add(block.page_size.value_or(0)).add(block.mr_addr.value_or(0));
    if (block.mapped)
      digest_.add(block.mapped->page_size)
          .add(block.mapped->bitmap_offset)
          .add(block.mapped->pages_offset);
  }
}

void StreamWitness::on_pages(std::span<const PageItem> pages) {
  require(!pages.empty(), "a batch has pages");
  for (const PageItem& item : pages)
    page(item);
}

void StreamWitness::page(const PageItem& page) {
  require(page.block < blocks_.size(), "a page's block is known");
  require(page.address % page_size_ == 0, "a page is aligned");
  require(page.address < blocks_[page.block].used_length,
          "a page lies in its block");
  if (page.kind == PageKind::zero)
    require(page.content.empty(), "a zero page has no content");
  if (page.kind == PageKind::normal)
    require(page.content.size() == page_size_ || page.content.empty(),
            "a normal page is whole");
  if (page.kind == PageKind::xbzrle)
    require(page.content.size() <= page_size_, "a difference is no page");
  advance(page.offset);
  within(page.offset + page.wire_bytes);
  digest_.add(page.address).add(page.block).add(page.wire_bytes);
  digest_.add(static_cast<uint64_t>(page.kind)).add(page.content);
}

void StreamWitness::on_multifd_flush(uint64_t offset) {
  advance(offset);
  digest_.add("flush");
}

void StreamWitness::on_command(const CommandItem& item) {
  advance(item.offset);
  digest_.add(item.command).add(item.payload);
}

void StreamWitness::on_package_begin(uint64_t offset, uint32_t bytes) {
  require(!open_, "a package begins between sections");
  advance(offset);
  digest_.add("package").add(bytes);
  ++packages_;
}

void StreamWitness::on_package_end(uint64_t offset) {
  require(!open_, "a package ends between sections");
  require(packages_ > 0, "only a package that began can end");
  --packages_;
  advance(offset);
  digest_.add("package end");
}

void StreamWitness::on_eof(uint64_t offset) {
  require(!open_, "a stream ends between sections");
  advance(offset);
  digest_.add("eof");
}

void StreamWitness::on_description(std::string_view json, uint64_t offset) {
  advance(offset);
  within(offset + json.size());
  digest_.add(json);
}

void StreamWitness::on_damage(const Damage& damage) {
  check(damage.error);
  require(damage.resumed >= *damage.error.offset,
          "decoding goes on after the damage");
  open_.reset();
  advance(damage.resumed);
  digest_.add(damage.error.message).add(*damage.error.offset);
}

void StreamWitness::on_problem(uint64_t offset, std::string_view message) {
  within(offset);
  digest_.add(message).add(offset);
}

} // namespace migscope::fuzz
