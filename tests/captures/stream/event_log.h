// Writes down what a decoder tells, one line an event, so that two runs can be
// compared whatever way their input was cut.
#pragma once

#include "captures/stream/decoder.h"

#include <string>
#include <vector>

namespace migscope::test {

// FNV-1a: enough to tell contents apart.
[[nodiscard]] uint64_t digest(std::span<const std::byte> bytes);

class EventLog : public captures::StreamEvents {
public:
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

  // How many lines start so.
  [[nodiscard]] size_t count(std::string_view start) const;
  // Lines that start so.
  [[nodiscard]] std::vector<std::string> lines_of(std::string_view start) const;

  std::vector<std::string> lines;
};

struct Outcome {
  std::vector<std::string> lines; // events
  std::string error;              // "KIND at 0x..: MESSAGE" or empty
  uint64_t position = 0;

  // The error, or else that of the first damage, as it would stand there;
  // without the section that is named in it.
  [[nodiscard]] std::string broken() const;
};

// Feeds `bytes` in pieces that end at `cuts` (ascending) and at the end.
[[nodiscard]] Outcome decode(std::span<const std::byte> bytes,
                             captures::DecoderOptions options = {},
                             const std::vector<size_t>& cuts = {});
[[nodiscard]] Outcome decode_by_bytes(std::span<const std::byte> bytes,
                                      captures::DecoderOptions options = {});

} // namespace migscope::test
