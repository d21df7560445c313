// Builds multifd channels packet by packet, odd and broken ones included.
#pragma once

#include "captures/stream/wire.h"
#include "tests/support/stream_builder.h"

#include <optional>

namespace migscope::test {

struct MultifdFields {
  std::vector<uint64_t> normal = {};
  std::vector<uint64_t> zero = {};
  uint32_t flags = 0;
  std::string block = "pc.ram";
  // Of the head, where it is not what belongs there.
  std::optional<uint32_t> allocated = {};
  std::optional<uint32_t> normal_pages = {};
  std::optional<uint32_t> payload_bytes = {};
  uint64_t packet_num = 0;
  // What the unused entries of the page array hold.
  uint64_t stale = 0;
};

class MultifdBuilder {
public:
  using Bytes = StreamBuilder::Bytes;

  explicit MultifdBuilder(uint32_t page_size = 4096) : page_size_(page_size) {}

  MultifdBuilder& hello(uint8_t id);
  // A head, then `payload` as it is.
  MultifdBuilder& packet(const MultifdFields& pages, const Bytes& payload = {});
  // A packet of method none: page content as page() gives.
  MultifdBuilder& raw(const MultifdFields& pages);
  MultifdBuilder& sync() {
    return packet({.flags = captures::wire::kMultifdSync, .block = ""});
  }
  MultifdBuilder& device(std::string_view idstr, uint32_t instance_id,
                         const Bytes& payload);
  MultifdBuilder& fill(size_t count, uint8_t value);

  // Content of a page, which differs from page to page.
  [[nodiscard]] Bytes page(uint64_t address) const;
  // Of all pages, one after another.
  [[nodiscard]] Bytes content(const std::vector<uint64_t>& addresses) const;

  [[nodiscard]] Bytes& bytes() { return bytes_; }
  [[nodiscard]] size_t size() const { return bytes_.size(); }

private:
  void append(const StreamBuilder& part);

  uint32_t page_size_;
  Bytes bytes_;
};

} // namespace migscope::test
