// What is told of a stream's pages does not hang on threads, on how the input
// was cut, or on what kept it.
#include "analyzer/stream_model.h"
#include "captures/stream/decoder.h"
#include "tests/support/fixture.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <random>

using namespace migscope;
using namespace migscope::analyzer;
using captures::PageItem;
using captures::PageKind;

namespace {

constexpr uint32_t kPage = 4096;
using Bytes = std::vector<std::byte>;

PageItem normal(uint64_t page, std::span<const std::byte> content) {
  PageItem out;
  out.address = page * kPage;
  out.kind = PageKind::normal;
  out.content = content;
  out.wire_bytes = kPage + 8;
  return out;
}

// All that a model tells of RAM.
std::string text_of(const StreamModel& model) {
  std::string out;
  for (const RamSection& s : model.sections())
    out += fmt::format("{} {} {} {} {} {} {} {}\n", s.offset, s.pages, s.zero,
                       s.normal, s.resent, s.same_content, s.bytes, s.repeats);
  if (!model.has_ram()) // QEMU can send a stream of devices alone
    return out + "no RAM";
  Ram ram = model.ram();
  for (const BlockTotals& b : ram.blocks)
    out += fmt::format("{} {} {} {}\n", b.name, b.unique_pages, b.resent_pages,
                       *b.stop_copy_bytes);
  for (size_t block = 0; block < ram.blocks.size(); ++block)
    model.ledger().for_each_sent(
        block, [&](uint64_t page, const PageState& state) {
          out += fmt::format("{} {} {} {:x}\n", page, state.sends,
                             state.last_section, state.digest);
        });
  model.repeats().for_each([&](uint32_t section, uint32_t earlier,
                               RepeatCount count) {
    out +=
        fmt::format("{} {} {} {}\n", section, earlier, count.pages, count.once);
  });
  return out;
}

// Every piece in memory of its own, so that a reader of one that is gone is
// caught by ASan.
std::string decode(std::span<const std::byte> stream, size_t threads,
                   unsigned seed) {
  std::mt19937 random(seed);
  TaskPool pool(threads);
  StreamModel model(pool, Content::hashed);
  captures::StreamDecoder decoder(model);
  while (!stream.empty()) {
    size_t size = std::min<size_t>(1 + random() % 300'000, stream.size());
    auto piece = std::make_shared<Bytes>(stream.begin(),
                                         stream.begin() + ptrdiff_t(size));
    bool kept = random() % 3 != 0;
    model.on_piece(*piece, kept ? piece : nullptr);
    if (!decoder.feed(*piece))
      break;
    stream = stream.subspan(size);
  }
  (void)decoder.finish();
  model.finish();
  return text_of(model);
}

} // namespace

TEST_CASE("streams give the same whatever the threads and cuts") {
  size_t with_ram = 0;
  for (const std::string& name : test::stream_fixtures()) {
    CAPTURE(name);
    auto stream = test::read_zst_fixture(name + ".zst");
    std::string truth = decode(stream, 1, 0);
    with_ram += truth.size() > 20;
    for (unsigned seed = 1; seed < 4; ++seed)
      for (size_t threads : {1, 2, 5})
        CHECK(decode(stream, threads, seed) == truth);
  }
  CHECK(with_ram >= 30);
}

TEST_CASE("pages are told of in order, with the digest of what they held") {
  for (size_t threads : {1, 2, 4}) {
    TaskPool pool(threads);
    std::vector<HashedPage> told;
    PageHasher hasher(pool, Content::hashed, kPage,
                      [&](std::span<const HashedPage> pages) {
                        told.insert(told.end(), pages.begin(), pages.end());
                      });
    constexpr uint64_t kPages = 5000;
    for (uint64_t i = 0; i < kPages; ++i) {
      // Gone after the call, as nothing keeps it.
      Bytes content(kPage, static_cast<std::byte>(i % 7));
      PageItem item = normal(i, content);
      hasher.add({&item, 1}, static_cast<uint32_t>(i / 100));
    }
    hasher.finish();
    REQUIRE(told.size() == kPages);
    PageItem zero;
    hasher.add({&zero, 1}, 0);
    hasher.finish();
    uint64_t zeros = told.back().digest;
    for (uint64_t i = 0; i < kPages; ++i) {
      CHECK(told[i].page == i);
      CHECK(told[i].section == i / 100);
      CHECK(told[i].digest == told[i % 7].digest);
      CHECK((told[i].digest == zeros) == (i % 7 == 0));
    }
  }
}

TEST_CASE("contents that are ignored have no digest, zero pages have") {
  TaskPool pool(2);
  std::vector<uint64_t> digests;
  PageHasher hasher(pool, Content::ignored, kPage,
                    [&](std::span<const HashedPage> pages) {
                      for (const HashedPage& page : pages)
                        digests.push_back(page.digest);
                    });
  Bytes content(kPage, std::byte{1});
  std::vector<PageItem> items{normal(0, content), PageItem()};
  hasher.add(items, 0);
  hasher.finish();
  REQUIRE(digests.size() == 2);
  CHECK(digests[0] == 0);
  CHECK(digests[1] != 0);
}
