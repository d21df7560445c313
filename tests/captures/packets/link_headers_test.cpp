#include "captures/packets/link_headers.h"
#include "tests/support/packet_builder.h"

#include <doctest/doctest.h>

using namespace migscope::captures;
using namespace migscope::testing;
using Kind = LinkPayload::Kind;

namespace {

Bytes with_types(size_t before, std::initializer_list<uint16_t> words,
                 size_t behind = 40) {
  Bytes out(before);
  for (uint16_t word : words)
    put_be(out, word);
  out.resize(out.size() + behind);
  return out;
}

void check_ip(LinkType type, const Bytes& frame, size_t offset) {
  LinkPayload found = link_payload(type, frame);
  CHECK(found.kind == Kind::ip);
  CHECK(found.offset == offset);
}

} // namespace

TEST_CASE("ethernet with and without VLAN tags") {
  check_ip(LinkType::ethernet, with_types(12, {0x0800}), 14);
  check_ip(LinkType::ethernet, with_types(12, {0x86dd}), 14);
  check_ip(LinkType::ethernet, with_types(12, {0x8100, 7, 0x0800}), 18);
  check_ip(LinkType::ethernet, with_types(12, {0x88a8, 7, 0x8100, 8, 0x86dd}),
           22);
}

TEST_CASE("what is no IP, and tags without an end") {
  CHECK(link_payload(LinkType::ethernet, with_types(12, {0x0806})).kind ==
        Kind::other);
  Bytes tags = with_types(12, {});
  for (auto i = 12u; i + 1 < tags.size(); i += 2)
    tags[i] = static_cast<std::byte>(0x81);
  CHECK(link_payload(LinkType::ethernet, tags).kind != Kind::ip);
}

TEST_CASE("cooked captures") {
  check_ip(LinkType::linux_cooked, with_types(14, {0x0800}), 16);
  check_ip(LinkType::linux_cooked, with_types(14, {0x8100, 7, 0x0800}), 20);
  check_ip(LinkType::linux_cooked_2, with_types(0, {0x86dd}), 20);
  CHECK(link_payload(LinkType::linux_cooked_2, with_types(0, {0x0806})).kind ==
        Kind::other);
}

TEST_CASE("families in either byte order, where it may be either") {
  Bytes little = with_types(0, {0x0200, 0});
  Bytes big = with_types(0, {0, 30});
  check_ip(LinkType::null, little, 4);
  check_ip(LinkType::null, big, 4);
  check_ip(LinkType::loop, big, 4);
  CHECK(link_payload(LinkType::loop, little).kind == Kind::other);
}

TEST_CASE("no prefix of a frame is read beyond its end") {
  for (auto type : {LinkType::ethernet, LinkType::linux_cooked,
                    LinkType::linux_cooked_2, LinkType::null, LinkType::loop}) {
    CHECK(link_payload(type, {}).kind == Kind::too_short);
    Bytes frame = with_types(12, {0x8100, 7, 0x0800});
    for (size_t size = 0; size < frame.size(); ++size) {
      Bytes exact(frame.begin(), frame.begin() + static_cast<int>(size));
      LinkPayload found = link_payload(type, exact);
      CHECK((found.kind != Kind::ip || found.offset <= size));
    }
  }
}
