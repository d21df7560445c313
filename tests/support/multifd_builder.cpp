#include "tests/support/multifd_builder.h"

#include "tests/support/bytes.h"

#include <algorithm>

namespace migscope::test {

namespace wire = captures::wire;

MultifdBuilder& MultifdBuilder::hello(uint8_t id) {
  append(StreamBuilder()
             .be32(wire::kMultifdMagic)
             .be32(wire::kMultifdVersion)
             .fill(16, 0x5a)
             .u8(id)
             .fill(39, 0));
  return *this;
}

MultifdBuilder& MultifdBuilder::packet(const MultifdFields& pages,
                                       const Bytes& payload) {
  uint32_t capacity = wire::kMultifdPacketBytes / page_size_;
  StreamBuilder head;
  head.be32(wire::kMultifdMagic)
      .be32(wire::kMultifdVersion)
      .be32(pages.flags)
      .be32(pages.allocated.value_or(capacity))
      .be32(pages.normal_pages.value_or(pages.normal.size()))
      .be32(pages.payload_bytes.value_or(payload.size()))
      .be64(pages.packet_num)
      .be32(pages.zero.size())
      .fill(28, 0)
      .text(pages.block)
      .fill(256 - pages.block.size(), 0);
  for (uint64_t address : pages.normal)
    head.be64(address);
  for (uint64_t address : pages.zero)
    head.be64(address);
  while (head.size() < 320 + 8 * capacity)
    head.be64(pages.stale);
  append(head.bytes(payload));
  return *this;
}

MultifdBuilder& MultifdBuilder::raw(const MultifdFields& pages) {
  return packet(pages, content(pages.normal));
}

MultifdBuilder& MultifdBuilder::device(std::string_view idstr,
                                       uint32_t instance_id,
                                       const Bytes& payload) {
  append(StreamBuilder()
             .be32(wire::kMultifdMagic)
             .be32(wire::kMultifdVersion)
             .be32(wire::kMultifdDevice)
             .text(idstr)
             .fill(256 - idstr.size(), 0)
             .be32(instance_id)
             .be32(payload.size())
             .bytes(payload));
  return *this;
}

MultifdBuilder& MultifdBuilder::fill(size_t count, uint8_t value) {
  bytes_.insert(bytes_.end(), count, std::byte{value});
  return *this;
}

MultifdBuilder::Bytes MultifdBuilder::page(uint64_t address) const {
  return testing::pattern(address * 31, page_size_);
}

MultifdBuilder::Bytes
MultifdBuilder::content(const std::vector<uint64_t>& addresses) const {
  Bytes out;
  for (uint64_t address : addresses)
    std::ranges::copy(page(address), std::back_inserter(out));
  return out;
}

void MultifdBuilder::append(const StreamBuilder& part) {
  bytes_.insert(bytes_.end(), part.done().begin(), part.done().end());
}

} // namespace migscope::test
