#include "analyzer/pages/page_ledger.h"

#include <array>
#include <doctest/doctest.h>
#include <fstream>

using namespace migscope;
using namespace migscope::analyzer;
using captures::PageItem;
using captures::PageKind;
using captures::RamBlock;

namespace {

constexpr uint32_t kPage = 4096;
using Bytes = std::array<std::byte, kPage>;

Bytes filled(int value) {
  Bytes out;
  out.fill(static_cast<std::byte>(value));
  return out;
}

PageItem zero(uint64_t address, uint32_t block = 0) {
  PageItem out;
  out.address = address;
  out.block = block;
  out.kind = PageKind::zero;
  return out;
}

PageItem normal(uint64_t address, const Bytes& content, uint32_t block = 0) {
  PageItem out = zero(address, block);
  out.kind = PageKind::normal;
  out.content = content;
  return out;
}

RamBlock block(uint64_t bytes) {
  RamBlock out;
  out.used_length = bytes;
  return out;
}

std::vector<uint64_t> sent(const PageLedger& ledger, size_t index) {
  std::vector<uint64_t> out;
  ledger.for_each_sent(
      index, [&](uint64_t page, const PageState&) { out.push_back(page); });
  return out;
}

SendResult send(PageLedger& ledger, const PageItem& page, uint32_t section) {
  TaskPool pool(1);
  SendResult out;
  PageHasher hasher(pool, analyzer::Content::hashed, ledger.page_size(),
                    [&](std::span<const HashedPage> pages) {
                      for (const HashedPage& hashed : pages)
                        out = ledger.record(hashed);
                    });
  hasher.add({&page, 1}, section);
  hasher.finish();
  return out;
}

// Bytes of this process that are in memory.
uint64_t resident() {
  uint64_t size = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> size >> pages;
  return pages * 4096;
}

} // namespace

TEST_CASE("a page is new once, and repeated after that") {
  PageLedger ledger(kPage);
  REQUIRE(ledger.set_blocks(std::array{block(1 << 20)}));
  Bytes ones = filled(1);
  SendResult first = send(ledger, normal(8192, ones), 3);
  CHECK_FALSE(first.resent);
  CHECK_FALSE(first.same_content);
  CHECK(first.earlier_section == 0);
  SendResult second = send(ledger, normal(8192, filled(2)), 5);
  CHECK(second.resent);
  CHECK_FALSE(second.same_content);
  CHECK(second.earlier_section == 4); // 1 + index
  CHECK(send(ledger, normal(8192, filled(2)), 9).earlier_section == 6);
  CHECK(ledger.max_sends() == 3);
}

TEST_CASE("content is compared with what was sent last") {
  PageLedger ledger(kPage);
  REQUIRE(ledger.set_blocks(std::array{block(1 << 20)}));
  Bytes ones = filled(1), twos = filled(2);
  (void)send(ledger, normal(0, ones), 0);
  CHECK(send(ledger, normal(0, ones), 1).same_content);
  CHECK_FALSE(send(ledger, normal(0, twos), 2).same_content);
  CHECK_FALSE(send(ledger, normal(0, ones), 3).same_content);
  // Another page with that content is another page.
  CHECK_FALSE(send(ledger, normal(4096, ones), 4).resent);
}

TEST_CASE("a zero page and a normal page of zeros are the same content") {
  PageLedger ledger(kPage);
  REQUIRE(ledger.set_blocks(std::array{block(1 << 20)}));
  Bytes zeros = filled(0);
  (void)send(ledger, zero(0), 0);
  CHECK(send(ledger, normal(0, zeros), 1).same_content);
  CHECK(send(ledger, zero(0), 2).same_content);
  zeros[4095] = std::byte(1);
  CHECK_FALSE(send(ledger, normal(0, zeros), 3).same_content);
}

TEST_CASE("an encoded page has no content to compare") {
  PageLedger ledger(kPage);
  REQUIRE(ledger.set_blocks(std::array{block(1 << 20)}));
  Bytes ones = filled(1);
  PageItem xbzrle = normal(0, ones);
  xbzrle.kind = PageKind::xbzrle;
  (void)send(ledger, normal(0, ones), 0);
  CHECK_FALSE(send(ledger, xbzrle, 1).same_content);
  CHECK_FALSE(send(ledger, xbzrle, 2).same_content);
  SendResult after = send(ledger, normal(0, ones), 3);
  CHECK(after.resent);
  CHECK_FALSE(after.same_content);
}

TEST_CASE("blocks are apart, and what was sent comes in order") {
  PageLedger ledger(kPage);
  REQUIRE(ledger.set_blocks(std::array{block(8 << 20), block(4097)}));
  for (uint64_t page : {2000, 3, 1023, 4})
    (void)send(ledger, zero(page * kPage), 0);
  CHECK_FALSE(send(ledger, zero(4096, 1), 0).resent); // the torn last page
  CHECK(sent(ledger, 0) == std::vector<uint64_t>{3, 4, 1023, 2000});
  CHECK(sent(ledger, 1) == std::vector<uint64_t>{1});
}

TEST_CASE("contents that could not be read are not the same") {
  PageLedger ledger(kPage);
  REQUIRE(ledger.set_blocks(std::array{block(kPage)}));
  captures::PageItem unread;
  unread.kind = captures::PageKind::normal;
  (void)send(ledger, unread, 0);
  SendResult again = send(ledger, unread, 1);
  CHECK(again.resent);
  CHECK_FALSE(again.same_content);
}

TEST_CASE("small pages") {
  PageLedger ledger(256);
  REQUIRE(ledger.set_blocks(std::array{block(1024)}));
  (void)send(ledger, zero(768), 0);
  CHECK_FALSE(send(ledger, zero(512), 0).resent);
  CHECK(sent(ledger, 0) == std::vector<uint64_t>{2, 3});
}

TEST_CASE("memory follows what was sent, not what a block list claims") {
  PageLedger ledger(kPage);
  uint64_t before = resident();
  REQUIRE(ledger.set_blocks(std::array{block(1ull << 48), block(1ull << 50)}));
  (void)send(ledger, zero(0), 0);
  (void)send(ledger, zero((1ull << 48) - kPage), 0);
  CHECK(sent(ledger, 0) == std::vector<uint64_t>{0, (1ull << 36) - 1});
  CHECK(sent(ledger, 1).empty());
  CHECK(resident() < before + (4u << 20));
}

TEST_CASE("sizes that cannot be followed are refused") {
  for (uint64_t bytes : {UINT64_MAX, UINT64_MAX - 1000, UINT64_MAX / 2}) {
    PageLedger ledger(256);
    CHECK_FALSE(ledger.set_blocks(std::array{block(bytes)}));
  }
}
