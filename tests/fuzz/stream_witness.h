// Holds a decoder to what captures/stream/events.h promises, and reduces what
// it tells to one number, so that two runs can be compared.
#pragma once

#include "captures/stream/decoder.h"
#include "tests/fuzz/fuzz_input.h"

namespace migscope::fuzz {

class StreamWitness : public captures::StreamEvents {
public:
  // `start`: offset of the first byte. `before` is set for a connection that
  // has its block list from another one.
  explicit StreamWitness(uint64_t start,
                         const captures::ConnectionState* before = nullptr);

  // No offset may be told beyond `end` from now on.
  void allow_to(uint64_t end) { end_ = end; }
  [[nodiscard]] uint64_t digest() const { return digest_.value(); }
  // An error lies within the input, and an error of the input has an offset.
  void check(const Error& error) const;

  void on_header(uint32_t version) override;
  void on_configuration(const captures::Configuration& value) override;
  void on_section_begin(const captures::SectionHeader& header) override;
  void on_device_body(const captures::SectionHeader& header,
                      std::span<const std::byte> body) override;
  void on_section_end(const captures::SectionHeader& header,
                      const captures::SectionEnd& end) override;
  void on_ram_blocks(std::span<const captures::RamBlock> blocks,
                     uint32_t page_size) override;
  void on_pages(std::span<const captures::PageItem> pages) override;
  void on_multifd_flush(uint64_t offset) override;
  void on_command(const captures::CommandItem& item) override;
  void on_package_begin(uint64_t offset, uint32_t bytes) override;
  void on_package_end(uint64_t offset) override;
  void on_eof(uint64_t offset) override;
  void on_description(std::string_view json, uint64_t offset) override;
  void on_damage(const captures::Damage& damage) override;
  void on_problem(uint64_t offset, std::string_view message) override;

private:
  void advance(uint64_t offset);
  void within(uint64_t offset) const;
  void page(const captures::PageItem& page);

  Digest digest_;
  uint64_t start_;
  uint64_t end_;
  uint64_t reached_; // the highest offset told so far
  std::vector<captures::RamBlock> blocks_;
  uint32_t page_size_ = 0;
  std::optional<uint32_t> open_; // id of the open section
  size_t packages_ = 0;          // begun and not ended
};

} // namespace migscope::fuzz
