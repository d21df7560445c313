// What the stream decoder tells of a migration stream, as plain data.
//
// Offsets are bytes from the start of the channel. Views (string_view, span,
// PageItem::content) live only until the callback returns.
#pragma once

#include <cstddef>
#include <cstdint>
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

// One entry of the RAM block list, in wire order, which is the scan order.
struct RamBlock {
  std::string name;
  uint64_t used_length = 0;          // bytes
  std::optional<uint64_t> page_size; // only where stated (huge pages)
  // Guest physical address; only with capability x-ignore-shared.
  std::optional<uint64_t> mr_addr;
};

enum class PageKind : uint8_t { zero, normal, xbzrle, compressed };

struct PageItem {
  uint64_t offset = 0;  // of the page word
  uint64_t address = 0; // byte offset inside the block, page aligned
  // Payload as it stands on the wire: page_size bytes for normal, the encoded
  // bytes for xbzrle and compressed, empty for zero.
  std::span<const std::byte> content;
  uint32_t block = 0;      // index into the block list
  uint32_t wire_bytes = 0; // page word, name and payload
  PageKind kind = PageKind::zero;
};

struct CommandItem {
  uint64_t offset = 0;  // of the command byte
  uint16_t command = 0; // wire::Command, or a number of a later QEMU
  std::span<const std::byte> payload;
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
  virtual void on_ram_blocks(std::span<const RamBlock>,
                             uint32_t /*page_size*/) {}
  // Pages of one section in wire order, handed over in batches so that the
  // cost per page is small. A batch never spans two sections.
  virtual void on_pages(std::span<const PageItem>) {}
  // A MULTIFD_FLUSH word.
  virtual void on_multifd_flush(uint64_t /*offset*/) {}
  virtual void on_command(const CommandItem&) {}
  // The sections and commands until on_package_end came in one PACKAGED
  // command: they were made before its first byte was sent.
  virtual void on_package_begin(uint64_t /*offset*/, uint32_t /*bytes*/) {}
  virtual void on_package_end(uint64_t /*offset*/) {}
  // The end-of-stream byte; a description may follow.
  virtual void on_eof(uint64_t /*offset*/) {}
  virtual void on_description(std::string_view /*json*/, uint64_t /*offset*/) {}
  // Something is odd, but decoding goes on.
  virtual void on_problem(uint64_t /*offset*/, std::string_view /*message*/) {}
};

} // namespace migscope::captures
