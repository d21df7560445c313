// Builds migration streams field by field, odd and broken ones included.
//
// Every method appends what its name says and returns the builder, so that a
// stream reads from top to bottom as it stands on the wire. Nothing is checked:
// a wrong length is what was asked for.
#pragma once

#include "captures/stream/wire.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::test {

class StreamBuilder {
public:
  using Bytes = std::vector<std::byte>;

  explicit StreamBuilder(uint32_t page_size = 4096) : page_size_(page_size) {}

  // Raw fields, big-endian.
  StreamBuilder& u8(uint64_t value) { return integer(value, 1); }
  StreamBuilder& be16(uint64_t value) { return integer(value, 2); }
  StreamBuilder& be32(uint64_t value) { return integer(value, 4); }
  StreamBuilder& be64(uint64_t value) { return integer(value, 8); }
  StreamBuilder& text(std::string_view value);
  StreamBuilder& counted(std::string_view value); // u8 length first
  StreamBuilder& bytes(std::span<const std::byte> value);
  StreamBuilder& fill(size_t count, uint8_t value);

  // File header and configuration.
  StreamBuilder& header(uint32_t version = captures::wire::kFileVersion);
  StreamBuilder& configuration(std::string_view machine);
  StreamBuilder& config_page_bits(uint32_t bits);
  StreamBuilder& config_capabilities(const std::vector<std::string>& names);
  StreamBuilder& config_uuid(std::span<const std::byte> uuid);
  StreamBuilder& subsection(std::string_view name, uint32_t version = 1);

  // Sections. footer() names the section opened last.
  StreamBuilder& start(uint32_t id, std::string_view idstr,
                       uint32_t version = 4, uint32_t instance = 0);
  StreamBuilder& full(uint32_t id, std::string_view idstr, uint32_t version = 1,
                      uint32_t instance = 0);
  StreamBuilder& part(uint32_t id);
  StreamBuilder& end(uint32_t id);
  StreamBuilder& footer();
  StreamBuilder& footer(uint32_t id);
  // A whole device section of `size` bytes of 0x11.
  StreamBuilder& device(uint32_t id, std::string_view idstr, size_t size);

  // Bodies of `ram`.
  StreamBuilder& mem_size(uint64_t total);
  StreamBuilder& block(std::string_view name, uint64_t used_length);
  StreamBuilder& word(uint64_t address, uint64_t flags);
  StreamBuilder& zero(std::string_view block, uint64_t address);
  StreamBuilder& zero(uint64_t address); // CONTINUE
  StreamBuilder& page(std::string_view block, uint64_t address, uint8_t fill);
  StreamBuilder& page(uint64_t address, uint8_t fill); // CONTINUE
  StreamBuilder& xbzrle(uint64_t address, std::span<const std::byte> encoded);
  StreamBuilder& compressed(uint64_t address,
                            std::span<const std::byte> encoded);
  StreamBuilder& flush(); // MULTIFD_FLUSH
  StreamBuilder& eos();

  StreamBuilder& command(captures::wire::Command command,
                         std::span<const std::byte> payload = {});
  // PACKAGED, then what `inner` holds.
  StreamBuilder& package(const StreamBuilder& inner);
  StreamBuilder& eof();
  StreamBuilder& description(std::string_view json);

  [[nodiscard]] const Bytes& done() const { return bytes_; }
  [[nodiscard]] size_t size() const { return bytes_.size(); }

  // Damage.
  StreamBuilder& cut(size_t size); // keeps that many bytes
  StreamBuilder& corrupt(size_t offset, uint8_t value);

private:
  StreamBuilder& integer(uint64_t value, unsigned size);
  StreamBuilder& opening(uint8_t type, uint32_t id, std::string_view idstr,
                         uint32_t instance, uint32_t version);

  Bytes bytes_;
  uint32_t page_size_;
  uint32_t section_ = 0;
};

} // namespace migscope::test
