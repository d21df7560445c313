#include "tests/support/stream_builder.h"

namespace migscope::test {

namespace wire = captures::wire;

StreamBuilder& StreamBuilder::integer(uint64_t value, unsigned size) {
  for (unsigned shift = size * 8; shift > 0; shift -= 8)
    bytes_.push_back(static_cast<std::byte>(value >> (shift - 8)));
  return *this;
}

StreamBuilder& StreamBuilder::text(std::string_view value) {
  return bytes(std::as_bytes(std::span(value)));
}

StreamBuilder& StreamBuilder::counted(std::string_view value) {
  return u8(value.size()).text(value);
}

StreamBuilder& StreamBuilder::bytes(std::span<const std::byte> value) {
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

StreamBuilder& StreamBuilder::fill(size_t count, uint8_t value) {
  bytes_.insert(bytes_.end(), count, std::byte{value});
  return *this;
}

StreamBuilder& StreamBuilder::header(uint32_t version) {
  return be32(wire::kFileMagic).be32(version);
}

StreamBuilder& StreamBuilder::configuration(std::string_view machine) {
  return u8(wire::kConfiguration).be32(machine.size()).text(machine);
}

StreamBuilder& StreamBuilder::subsection(std::string_view name,
                                         uint32_t version) {
  return u8(wire::kSubsection).counted(name).be32(version);
}

StreamBuilder& StreamBuilder::config_page_bits(uint32_t bits) {
  return subsection("configuration/target-page-bits").be32(bits);
}

StreamBuilder&
StreamBuilder::config_capabilities(const std::vector<std::string>& names) {
  subsection("configuration/capabilities").be32(names.size());
  for (const std::string& name : names)
    counted(name);
  return *this;
}

StreamBuilder& StreamBuilder::config_uuid(std::span<const std::byte> uuid) {
  return subsection("configuration/uuid").bytes(uuid);
}

StreamBuilder& StreamBuilder::opening(uint8_t type, uint32_t id,
                                      std::string_view idstr, uint32_t instance,
                                      uint32_t version) {
  section_ = id;
  return u8(type).be32(id).counted(idstr).be32(instance).be32(version);
}

StreamBuilder& StreamBuilder::start(uint32_t id, std::string_view idstr,
                                    uint32_t version, uint32_t instance) {
  return opening(wire::kSectionStart, id, idstr, instance, version);
}

StreamBuilder& StreamBuilder::full(uint32_t id, std::string_view idstr,
                                   uint32_t version, uint32_t instance) {
  return opening(wire::kSectionFull, id, idstr, instance, version);
}

StreamBuilder& StreamBuilder::part(uint32_t id) {
  section_ = id;
  return u8(wire::kSectionPart).be32(id);
}

StreamBuilder& StreamBuilder::end(uint32_t id) {
  section_ = id;
  return u8(wire::kSectionEnd).be32(id);
}

StreamBuilder& StreamBuilder::footer() {
  return footer(section_);
}

StreamBuilder& StreamBuilder::footer(uint32_t id) {
  return u8(wire::kSectionFooter).be32(id);
}

StreamBuilder& StreamBuilder::device(uint32_t id, std::string_view idstr,
                                     size_t size) {
  return full(id, idstr).fill(size, 0x11).footer();
}

StreamBuilder& StreamBuilder::mem_size(uint64_t total) {
  return word(total, wire::kRamMemSize);
}

StreamBuilder& StreamBuilder::block(std::string_view name,
                                    uint64_t used_length) {
  return counted(name).be64(used_length);
}

StreamBuilder& StreamBuilder::word(uint64_t address, uint64_t flags) {
  return be64(address | flags);
}

StreamBuilder& StreamBuilder::zero(std::string_view block, uint64_t address) {
  return word(address, wire::kRamZero).counted(block).u8(0);
}

StreamBuilder& StreamBuilder::zero(uint64_t address) {
  return word(address, wire::kRamZero | wire::kRamContinue).u8(0);
}

StreamBuilder& StreamBuilder::page(std::string_view block, uint64_t address,
                                   uint8_t value) {
  return word(address, wire::kRamPage).counted(block).fill(page_size_, value);
}

StreamBuilder& StreamBuilder::page(uint64_t address, uint8_t value) {
  return word(address, wire::kRamPage | wire::kRamContinue)
      .fill(page_size_, value);
}

StreamBuilder& StreamBuilder::xbzrle(uint64_t address,
                                     std::span<const std::byte> encoded) {
  return word(address, wire::kRamXbzrle | wire::kRamContinue)
      .u8(1)
      .be16(encoded.size())
      .bytes(encoded);
}

StreamBuilder& StreamBuilder::compressed(uint64_t address,
                                         std::span<const std::byte> encoded) {
  return word(address, wire::kRamCompress | wire::kRamContinue)
      .be32(encoded.size())
      .bytes(encoded);
}

StreamBuilder& StreamBuilder::flush() {
  return word(0, wire::kRamMultifdFlush);
}

StreamBuilder& StreamBuilder::eos() {
  return word(0, wire::kRamEos);
}

StreamBuilder& StreamBuilder::command(wire::Command command,
                                      std::span<const std::byte> payload) {
  return u8(wire::kCommand)
      .be16(static_cast<uint16_t>(command))
      .be16(payload.size())
      .bytes(payload);
}

StreamBuilder& StreamBuilder::package(const StreamBuilder& inner) {
  return command(wire::Command::packaged,
                 StreamBuilder().be32(inner.size()).done())
      .bytes(inner.done());
}

StreamBuilder& StreamBuilder::eof() {
  return u8(wire::kEof);
}

StreamBuilder& StreamBuilder::description(std::string_view json) {
  return u8(wire::kVmDescription).be32(json.size()).text(json);
}

StreamBuilder& StreamBuilder::cut(size_t size) {
  bytes_.resize(size);
  return *this;
}

StreamBuilder& StreamBuilder::corrupt(size_t offset, uint8_t value) {
  bytes_.at(offset) = std::byte{value};
  return *this;
}

} // namespace migscope::test
