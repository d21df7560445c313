#include "analyzer/what_if/packet_trial.h"
#include "tests/support/bytes.h"

#include <cmath>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::PageItem;

namespace {

constexpr uint32_t kPage = 4096;
constexpr uint64_t kHead = 320 + 8 * 128;
constexpr uint64_t kMany = 1u << 20;

// A trial, and pages for it, each with content of its own.
class Trial {
public:
  explicit Trial(const PacketRules& rules, uint64_t pages = 0,
                 uint64_t most = kMany)
      : trial_(rules, pages, most, [this] { return clock_ += 0.001; }) {}

  void page(uint64_t address, uint32_t block = 0) {
    testing::Bytes content = testing::pattern(address * 3, kPage);
    DecodedPage page{Held::data, content};
    take(page, address, block);
  }
  void zero(uint64_t address) { take({Held::zero, {}}, address, 0); }
  void unread(uint64_t address) { take({Held::unknown, {}}, address, 0); }
  void pages(uint64_t from, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i)
      page((from + i) * kPage);
  }
  void end_section() { REQUIRE(trial_.end_section()); }

  PackedSavings result(std::string_view method) {
    auto all = trial_.finish();
    REQUIRE(all);
    for (const PackedSavings& savings : *all)
      if (savings.method == method)
        return savings;
    FAIL("no such method");
    return {};
  }
  bool tells_nothing() {
    auto all = trial_.finish();
    REQUIRE(all);
    return all->empty();
  }

private:
  void take(const DecodedPage& page, uint64_t address, uint32_t block) {
    PageItem item;
    item.address = address;
    item.block = block;
    REQUIRE(trial_.take({item, page}));
  }

  double clock_ = 0;
  PacketTrial trial_;
};

// Of pages that Trial makes, in packets of these lengths.
uint64_t packed(std::initializer_list<uint64_t> packets) {
  auto packer = captures::zstd_packer(1, kPage);
  uint64_t out = 0, at = 0;
  for (uint64_t count : packets) {
    testing::Bytes plain;
    for (uint64_t i = 0; i < count; ++i, ++at) {
      auto page = testing::pattern(at * kPage * 3, kPage);
      plain.insert(plain.end(), page.begin(), page.end());
    }
    out += *packer->pack(plain);
  }
  return out;
}

} // namespace

TEST_CASE("few pages are compressed from end to end, and there is no error") {
  Trial trial({.page_size = kPage});
  trial.pages(0, 300);
  PackedSavings zstd = trial.result("zstd");
  CHECK(zstd.level == 1);
  CHECK(zstd.pages == 300);
  CHECK(zstd.sampled_pages == 300);
  uint64_t bytes = packed({128, 128, 44});
  CHECK(zstd.ram_bytes == bytes + 3 * kHead);
  CHECK(zstd.ram_bytes_error == 0);
  CHECK(zstd.ratio ==
        doctest::Approx(300.0 * kPage / static_cast<double>(bytes)));
  CHECK(zstd.ratio_error == 0);
  // A thousandth of a second for each packet.
  CHECK(zstd.cpu_us_per_page == doctest::Approx(3000.0 / 300));
}

TEST_CASE("a packet ends where its block does, and where the scan wraps") {
  Trial blocks({.page_size = kPage});
  blocks.page(0, 0);
  blocks.page(kPage, 1);
  CHECK(blocks.result("zstd").ram_bytes == packed({1, 1}) + 2 * kHead);
  Trial wraps({.page_size = kPage});
  wraps.pages(0, 2);
  wraps.page(kPage);
  CHECK(wraps.result("zlib").ram_bytes > 2 * kHead);
  CHECK(wraps.result("zlib").ram_bytes < 2 * kHead + 3 * kPage);
  Trial unsorted({.page_size = kPage, .scan_order = false});
  unsorted.page(kPage);
  unsorted.page(0);
  CHECK(unsorted.result("zstd").ram_bytes < kHead + 2 * kPage);
}

TEST_CASE("with old machine types a section's end ends the packet") {
  for (bool flush : {false, true}) {
    Trial trial({.page_size = kPage, .flush_sections = flush});
    trial.pages(0, 2);
    trial.end_section();
    trial.end_section();
    trial.pages(2, 3);
    CHECK(trial.result("zstd").ram_bytes ==
          (flush ? packed({2, 3}) + 2 * kHead : packed({5}) + kHead));
  }
}

TEST_CASE("zero pages take room in packets, or nine bytes elsewhere") {
  Trial in({.page_size = kPage, .zero_in_packets = true});
  Trial out({.page_size = kPage, .zero_in_packets = false});
  for (Trial* trial : {&in, &out}) {
    trial->pages(0, 2);
    for (uint64_t i = 2; i < 128; ++i)
      trial->zero(i * kPage);
    trial->zero(128 * kPage);
  }
  CHECK(in.result("zstd").ram_bytes == packed({2}) + 2 * kHead);
  CHECK(out.result("zstd").ram_bytes == packed({2}) + kHead + 127 * 9);
  Trial zeros({.page_size = kPage});
  zeros.zero(0);
  CHECK(zeros.tells_nothing());
}

TEST_CASE("a page that could not be read counts as one like the others") {
  Trial trial({.page_size = kPage});
  trial.pages(0, 2);
  trial.unread(2 * kPage);
  trial.unread(3 * kPage);
  PackedSavings zstd = trial.result("zstd");
  CHECK(zstd.pages == 4);
  CHECK(zstd.sampled_pages == 2);
  CHECK(zstd.ram_bytes == 2 * packed({2}) + kHead);
}

TEST_CASE("of many pages a part is compressed, the same one every time") {
  constexpr uint64_t kPages = 128 * 200;
  uint64_t before = 0;
  for (int i = 0; i < 2; ++i) {
    Trial trial({.page_size = kPage}, kPages, 128 * 40);
    trial.pages(0, kPages);
    PackedSavings zstd = trial.result("zstd");
    CHECK(zstd.pages == kPages);
    // Half of what is compressed is counted.
    CHECK(zstd.sampled_pages > 128 * 8);
    CHECK(zstd.sampled_pages < 128 * 40);
    CHECK(zstd.sampled_pages % 128 == 0);
    CHECK((before == 0 || before == zstd.ram_bytes));
    before = zstd.ram_bytes;

    Trial whole({.page_size = kPage});
    whole.pages(0, kPages);
    auto truth = static_cast<double>(whole.result("zstd").ram_bytes);
    REQUIRE(zstd.ram_bytes_error);
    auto error = static_cast<double>(*zstd.ram_bytes_error);
    CHECK(error > 0);
    CHECK(error < truth / 20);
    CHECK(std::abs(static_cast<double>(zstd.ram_bytes) - truth) < 2 * error);
  }
}
