// Writes the stream of a guest that does not exist to standard output, of any
// size:
//
//     stream_maker GUEST_MIB NORMAL_MIB ROUNDS
//
// All of memory in round 1, its first NORMAL_MIB as normal pages, which half
// compress, the rest as zero pages; every 64th normal page again, changed, in
// each further round; some pages in END.
#include "tests/support/stream_builder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace migscope;

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kSectionPages = 4096;
constexpr uint32_t kRam = 2;
constexpr char kBlock[] = "pc.ram";
// What QEMU's analyze-migration.py cannot do without.
constexpr char kDescription[] = R"({"page_size": 4096, "devices": []})";

void put(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size())
    std::exit(1);
}

void put(const test::StreamBuilder& built) {
  put(built.done());
}

class Pages {
public:
  void normal(uint64_t page, uint64_t version) {
    word(page, captures::wire::kRamPage);
    // Half a page of xorshift64, half of one byte.
    uint64_t x = (page << 16 | version) * 0x9E3779B97F4A7C15u | 1;
    uint64_t half[kPage / 16];
    for (uint64_t& number : half) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      number = x;
    }
    std::memcpy(content_, half, sizeof half);
    put(content_);
  }

  void zero(uint64_t page) {
    word(page, captures::wire::kRamZero);
    put(std::as_bytes(std::span("", 1)));
  }

private:
  void word(uint64_t page, uint64_t flags) {
    test::StreamBuilder built;
    if (!named_)
      put(built.be64(page * kPage | flags).counted(kBlock));
    else
      put_word(page * kPage | flags | captures::wire::kRamContinue);
    named_ = true;
  }

  static void put_word(uint64_t value) {
    uint64_t word = __builtin_bswap64(value);
    put(std::as_bytes(std::span(&word, 1)));
  }

  std::byte content_[kPage] = {};
  bool named_ = false;
};

// Sections of PART around what `page(i)` writes for each of `count` pages.
template <typename Page>
void parts(uint64_t count, Page page) {
  for (uint64_t i = 0; i < count;) {
    put(test::StreamBuilder().part(kRam));
    for (uint64_t end = std::min(count, i + kSectionPages); i < end; ++i)
      page(i);
    test::StreamBuilder after;
    put(after.eos().footer(kRam));
  }
}

void write_stream(uint64_t pages, uint64_t normal, uint64_t rounds) {
  test::StreamBuilder head;
  put(head.header()
          .configuration("pc-i440fx-10.0")
          .start(kRam, "ram")
          .mem_size(pages * kPage)
          .block(kBlock, pages * kPage)
          .eos()
          .footer());
  Pages out;
  parts(pages,
        [&](uint64_t i) { i < normal ? out.normal(i, 0) : out.zero(i); });
  for (uint64_t round = 1; round < rounds; ++round)
    parts(normal / 64, [&](uint64_t i) { out.normal(i * 64, round); });
  put(test::StreamBuilder().end(kRam));
  for (uint64_t i = 0; i < normal / 4096; ++i)
    out.normal(i * 64, rounds);
  test::StreamBuilder tail;
  put(tail.eos().footer(kRam).eof().description(kDescription));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: stream_maker GUEST_MIB NORMAL_MIB ROUNDS\n", stderr);
    return 2;
  }
  auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  constexpr uint64_t kPerMib = (1u << 20) / kPage;
  write_stream(number(1) * kPerMib, number(2) * kPerMib, number(3));
  return std::fflush(stdout) == 0 ? 0 : 1;
}
