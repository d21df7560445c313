// Passes everything on, for a class that changes or watches a part of it.
#pragma once

#include "captures/stream/events.h"

namespace migscope::captures {

class ForwardedEvents : public StreamEvents {
public:
  // `next` outlives this.
  explicit ForwardedEvents(StreamEvents& next) : next_(next) {}

  void on_header(uint32_t version) override { next_.on_header(version); }
  void on_configuration(const Configuration& value) override {
    next_.on_configuration(value);
  }
  void on_section_begin(const SectionHeader& header) override {
    next_.on_section_begin(header);
  }
  void on_device_body(const SectionHeader& header,
                      std::span<const std::byte> body) override {
    next_.on_device_body(header, body);
  }
  void on_section_end(const SectionHeader& header,
                      const SectionEnd& end) override {
    next_.on_section_end(header, end);
  }
  void on_ram_blocks(std::span<const RamBlock> blocks,
                     uint32_t page_size) override {
    next_.on_ram_blocks(blocks, page_size);
  }
  void on_pages(std::span<const PageItem> pages) override {
    next_.on_pages(pages);
  }
  void on_multifd_flush(uint64_t offset) override {
    next_.on_multifd_flush(offset);
  }
  void on_device_packet(const MultifdDeviceState& packet) override {
    next_.on_device_packet(packet);
  }
  void on_command(const CommandItem& item) override { next_.on_command(item); }
  void on_package_begin(uint64_t offset, uint32_t bytes) override {
    next_.on_package_begin(offset, bytes);
  }
  void on_package_end(uint64_t offset) override {
    next_.on_package_end(offset);
  }
  void on_piece(std::span<const std::byte> piece,
                const std::shared_ptr<const void>& keep) override {
    next_.on_piece(piece, keep);
  }
  void on_eof(uint64_t offset) override { next_.on_eof(offset); }
  void on_description(std::string_view json, uint64_t offset) override {
    next_.on_description(json, offset);
  }
  void on_damage(const Damage& damage) override { next_.on_damage(damage); }
  void on_channel(size_t channel) override { next_.on_channel(channel); }
  void on_problem(uint64_t offset, std::string_view message) override {
    next_.on_problem(offset, message);
  }

protected:
  [[nodiscard]] StreamEvents& next() { return next_; }

private:
  StreamEvents& next_;
};

} // namespace migscope::captures
