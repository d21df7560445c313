// What the stream decoder tells of a migration stream, as plain data.
//
// Offsets are bytes from the start of the channel. Views (string_view, span,
// PageItem::content) live only until the callback returns; content may live
// longer, see on_piece.
#pragma once

#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::captures {

// The configuration section (QEMU migration/savevm.c, vmstate_configuration).
struct Configuration {
  std::string machine; // versioned type name, "pc-i440fx-7.2"
  std::optional<uint32_t> target_page_bits;
  // Only the two that change the stream's layout are ever listed here:
  // x-ignore-shared and mapped-ram. Not the migration's capabilities.
  std::vector<std::string> capabilities;
  std::optional<std::string> uuid; // 8-4-4-4-12 hex digits
};

enum class SectionKind : uint8_t { start = 1, part = 2, end = 3, full = 4 };

// A section's head. PART and END carry only the id on the wire; the rest is
// filled in from the START that the id belongs to.
struct SectionHeader {
  SectionKind kind = SectionKind::full;
  uint32_t id = 0;
  std::string idstr;
  uint32_t instance_id = 0;
  uint32_t version_id = 0;
  uint64_t offset = 0; // of the section type byte
};

// How the end of a section's body was found.
enum class BodyExtent : uint8_t {
  parsed,      // the body's own grammar
  description, // size from the JSON description, confirmed by the footer
  footer_scan, // first plausible footer
};

struct SectionEnd {
  uint64_t end = 0;        // offset of the first byte after the section
  uint64_t body_bytes = 0; // without header and footer
  BodyExtent extent = BodyExtent::parsed;
};

// Where a mapped-ram file keeps a block's pages (QEMU migration/ram.c,
// MappedRamHeader, 9.0+). Offsets are absolute in the file.
struct MappedPages {
  uint64_t page_size = 0;     // bytes
  uint64_t bitmap_offset = 0; // a bit a page, little-endian words
  uint64_t pages_offset = 0;  // page i at pages_offset + i * page_size
};

// One entry of the RAM block list, in wire order, which is the scan order.
struct RamBlock {
  std::string name;
  uint64_t used_length = 0;               // bytes
  std::optional<uint64_t> page_size = {}; // only where stated (huge pages)
  // Guest physical address; only with capability x-ignore-shared.
  std::optional<uint64_t> mr_addr = {};
  // Only with capability mapped-ram, and there not for a shared block that the
  // migration leaves out. A page that such a block does not hold is zero.
  std::optional<MappedPages> mapped = {};
};

enum class PageKind : uint8_t { zero, normal, xbzrle, compressed };

struct PageItem {
  // Of the page word; on a multifd channel of the packet, in a mapped-ram file
  // of the page.
  uint64_t offset = 0;
  uint64_t address = 0; // byte offset inside the block, page aligned
  // Payload as it stands on the wire: page_size bytes for normal, the encoded
  // bytes for xbzrle and compressed, empty for zero. Decompressed where it
  // came in a multifd packet; empty for normal where it could not be read.
  std::span<const std::byte> content;
  uint32_t block = 0; // index into the block list
  // Page word, name and payload; on a multifd channel its part of the packet,
  // so that the pages of a packet make up its size.
  uint32_t wire_bytes = 0;
  PageKind kind = PageKind::zero;
};

struct CommandItem {
  uint64_t offset = 0;  // of the command byte
  uint16_t command = 0; // wire::Command, or a number of a later QEMU
  std::span<const std::byte> payload;
};

// A part of one device's state that came on a multifd channel (VFIO, 10.0+).
struct MultifdDeviceState {
  uint64_t offset = 0; // of the packet
  std::string_view idstr;
  uint32_t instance_id = 0;
  std::span<const std::byte> payload;
};

// A stretch of the input that could not be read. Nothing of it was told.
struct Damage {
  Error error;          // kind malformed, offset of the first bad byte
  uint64_t resumed = 0; // offset at which decoding goes on
};

// Receives what the decoder finds, in stream order. Empty bodies: a consumer
// overrides what it needs.
class StreamEvents {
public:
  virtual ~StreamEvents() = default;
  virtual void on_header(uint32_t /*version*/) {}
  virtual void on_configuration(const Configuration&) {}
  virtual void on_section_begin(const SectionHeader&) {}
  // The state of one device (FULL), whole, without header and footer.
  virtual void on_device_body(const SectionHeader&,
                              std::span<const std::byte> /*body*/) {}
  virtual void on_section_end(const SectionHeader&, const SectionEnd&) {}
  // The block list, and the bytes of a target page, which are settled by now.
  // In a mapped-ram file told after each entry, as a block's pages come before
  // the next entry: every time the list so far, one block longer. Told of a
  // list that broke off, too.
  virtual void on_ram_blocks(std::span<const RamBlock>,
                             uint32_t /*page_size*/) {}
  // Pages of one section in wire order, handed over in batches so that the
  // cost per page is small. A batch never spans two sections.
  virtual void on_pages(std::span<const PageItem>) {}
  // A MULTIFD_FLUSH word.
  virtual void on_multifd_flush(uint64_t /*offset*/) {}
  virtual void on_device_packet(const MultifdDeviceState&) {}
  virtual void on_command(const CommandItem&) {}
  // The sections and commands until on_package_end came in one PACKAGED
  // command: they were made before its first byte was sent.
  virtual void on_package_begin(uint64_t /*offset*/, uint32_t /*bytes*/) {}
  virtual void on_package_end(uint64_t /*offset*/) {}
  // What follows is read from `piece`. Content that lies in it stays where it
  // is while somebody holds `keep`; other content is gone after the callback,
  // and all is where `keep` is null.
  virtual void on_piece(std::span<const std::byte> /*piece*/,
                        const std::shared_ptr<const void>& /*keep*/) {}
  // The end-of-stream byte; a description may follow. Told again where damage
  // shows that it was none: then sections follow it.
  virtual void on_eof(uint64_t /*offset*/) {}
  virtual void on_description(std::string_view /*json*/, uint64_t /*offset*/) {}
  // The section that was open ends here without on_section_end, and a package
  // that ends before `resumed` without on_package_end.
  virtual void on_damage(const Damage&) {}
  // Where several channels are merged: what follows comes from this one, and
  // its offsets are this one's.
  virtual void on_channel(size_t /*channel*/) {}
  // Something is odd, but decoding goes on.
  virtual void on_problem(uint64_t /*offset*/, std::string_view /*message*/) {}
};

} // namespace migscope::captures
