#include "analyzer/memory/memory_image.h"

#include "captures/stream/wire.h"
#include "tests/analyzer/memory/ram_stream.h"

#include <fstream>
#include <zlib.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::testing;
using captures::wire::Command;
using test::StreamBuilder;

namespace {

using Ends = std::pair<int, int>;

// Changes the page's first byte to `value`.
Bytes first_byte(uint8_t value) {
  return {std::byte{0}, std::byte{1}, std::byte{value}};
}

Bytes packed(uint8_t fill, size_t size) {
  Bytes content(size, std::byte{fill});
  uLongf room = compressBound(size);
  Bytes out(room);
  compress(reinterpret_cast<Bytef*>(out.data()), &room,
           reinterpret_cast<const Bytef*>(content.data()), size);
  out.resize(room);
  return out;
}

StreamBuilder& ended(StreamBuilder& stream) {
  return stream.end(0).eos().footer().eof();
}

HeldPages held_of(const StreamBuilder& stream) {
  StoredImage stored;
  stored.feed(stream);
  return stored.image.held(0);
}

Bytes discard(uint64_t start, uint64_t length) {
  return StreamBuilder()
      .u8(0)
      .counted("pc.ram")
      .u8(0)
      .be64(start)
      .be64(length)
      .done();
}

} // namespace

TEST_CASE("the last send of a page counts") {
  StoredImage stored;
  StreamBuilder stream = ram_start(4 * kPage);
  stream.part(0).page("pc.ram", 0, 1).zero(kPage).page(2 * kPage, 3);
  stream.eos().footer();
  stream.part(0).page("pc.ram", 0, 9).page(kPage, 8).zero(2 * kPage);
  stream.eos().footer();
  stored.feed(ended(stream));
  CHECK(stored.ends_of(0) == Ends{9, 9});
  CHECK(stored.ends_of(1) == Ends{8, 8});
  CHECK(stored.ends_of(2) == Ends{0, 0});
  HeldPages held = stored.image.held(0);
  CHECK(held.pages == 4);
  CHECK(held.data == 2);
  CHECK(held.zero == 1);
  CHECK(held.unknown == 1);
  CHECK(held.never_sent == 1);
}

TEST_CASE("xbzrle changes what was sent before") {
  StoredImage stored;
  StreamBuilder stream = ram_start(2 * kPage);
  stream.part(0).page("pc.ram", 0, 5).xbzrle(0, first_byte(7));
  stream.zero(kPage).xbzrle(kPage, first_byte(6)).eos().footer();
  stored.feed(ended(stream));
  CHECK(stored.ends_of(0) == Ends{7, 5});
  CHECK(stored.ends_of(1) == Ends{6, 0});
  CHECK(stored.image.held(0).unknown == 0);
}

TEST_CASE("xbzrle without its base is unknown, and what follows it, too") {
  StoredImage stored;
  StreamBuilder stream = ram_start(2 * kPage);
  stream.part(0).page("pc.ram", 0, 5).xbzrle(kPage, first_byte(7));
  stream.xbzrle(kPage, first_byte(8)).eos().footer();
  stored.feed(ended(stream));
  CHECK(stored.image.held(0).unknown == 1);
  CHECK(stored.image.held(0).never_sent == 0);
  CHECK(stored.image.unread().without_base == 2);
  CHECK(stored.ends_of(1) == Ends{0, 0});
}

TEST_CASE("a broken encoding leaves nothing of the page") {
  Bytes wrong = first_byte(7);
  wrong[1] = std::byte{0x7f}; // more bytes than there are
  StoredImage stored;
  StreamBuilder stream = ram_start(2 * kPage);
  stream.part(0).page("pc.ram", 0, 5).xbzrle(0, wrong);
  stream.compressed(kPage, packed(1, kPage - 1)).eos().footer();
  stored.feed(ended(stream));
  CHECK(stored.image.held(0).unknown == 2);
  CHECK(stored.image.unread().broken == 2);
  CHECK(stored.ends_of(0) == Ends{0, 0});
}

TEST_CASE("compressed pages") {
  Bytes corrupt = packed(4, kPage);
  corrupt.back() ^= std::byte{1}; // of the checksum
  StoredImage stored;
  StreamBuilder stream = ram_start(4 * kPage);
  stream.part(0).zero("pc.ram", 0).compressed(0, packed(4, kPage));
  stream.compressed(kPage, packed(0, kPage)).compressed(2 * kPage, corrupt);
  stream.compressed(3 * kPage, packed(4, kPage + 1)).eos().footer();
  stored.feed(ended(stream));
  CHECK(stored.ends_of(0) == Ends{4, 4});
  HeldPages held = stored.image.held(0);
  CHECK(held.data == 1);
  CHECK(held.zero == 1); // content counts, not how it was sent
  CHECK(held.unknown == 2);
}

TEST_CASE("what postcopy discards is unknown until it is sent again") {
  StreamBuilder stream = ram_start(4 * kPage);
  stream.part(0).page("pc.ram", 0, 1).page(kPage, 2).page(2 * kPage, 3);
  stream.zero(3 * kPage).eos().footer();
  stream.command(Command::postcopy_discard, discard(kPage, UINT64_MAX));
  stream.part(0).page("pc.ram", 2 * kPage, 9).eos().footer();
  StoredImage stored;
  stored.feed(ended(stream));
  CHECK(stored.ends_of(0) == Ends{1, 1});
  CHECK(stored.ends_of(1) == Ends{0, 0});
  CHECK(stored.ends_of(2) == Ends{9, 9});
  CHECK(stored.image.held(0).unknown == 2);
}

TEST_CASE("nothing is taken from where a round ends") {
  StreamBuilder stream = ram_start(2 * kPage);
  stream.part(0).page("pc.ram", 0, 1).eos().footer();
  size_t stop = stream.size();
  stream.part(0).page("pc.ram", 0, 2).eos().footer();
  StoredImage stored(stop);
  stored.feed(ended(stream));
  CHECK(stored.ends_of(0) == Ends{1, 1});
}

TEST_CASE("a content that could not be read is unknown") {
  StoredImage stored;
  captures::RamBlock block{"pc.ram", 2 * kPage};
  stored.image.on_ram_blocks({&block, 1}, kPage);
  captures::PageItem item;
  item.kind = captures::PageKind::normal;
  stored.image.on_pages({&item, 1});
  CHECK(stored.image.held(0).unknown == 2);
  CHECK(stored.image.unread().unread == 1);
}

TEST_CASE("pages that a mapped-ram file does not hold are zero") {
  captures::RamBlock block{"pc.ram", 8 * kPage};
  block.mapped.emplace();
  StoredImage cut, whole, damaged;
  for (StoredImage* stored : {&cut, &whole, &damaged})
    stored->image.on_ram_blocks({&block, 1}, kPage);
  whole.image.on_eof(0);
  damaged.image.on_damage({});
  damaged.image.on_eof(0);
  CHECK(whole.image.held(0).zero == 8);
  CHECK(cut.image.held(0).unknown == 8);
  CHECK(damaged.image.held(0).unknown == 8);
}

TEST_CASE("a block list may grow") {
  std::vector<captures::RamBlock> blocks{{"a", kPage}, {"b", kPage}};
  StoredImage stored;
  stored.image.on_ram_blocks({blocks.data(), 1}, kPage);
  captures::PageItem item;
  stored.image.on_pages({&item, 1});
  stored.image.on_ram_blocks(blocks, kPage);
  CHECK(stored.image.blocks().size() == 2);
  CHECK(stored.image.held(0).zero == 1);
}

TEST_CASE("what was sent before damage may be out of date") {
  captures::RamBlock block{"pc.ram", 2 * kPage};
  StoredImage stored;
  stored.image.on_ram_blocks({&block, 1}, kPage);
  captures::PageItem items[2];
  items[1].address = kPage;
  stored.image.on_pages(items);
  stored.image.on_damage({});
  stored.image.on_pages({items, 1});
  CHECK(stored.image.held(0).perhaps_stale == 1);
  // Behind the last RAM section there is nothing to lose.
  captures::SectionHeader end;
  end.idstr = "ram";
  end.kind = captures::SectionKind::end;
  stored.image.on_section_begin(end);
  stored.image.on_section_end(end, {});
  stored.image.on_damage({});
  CHECK(stored.image.held(0).perhaps_stale == 1);
  CHECK(stored.image.problems().size() == 2);
}

TEST_CASE("a digest is of content, not of the way it came") {
  auto digest = [](StreamBuilder stream) {
    StoredImage stored;
    stored.feed(ended(stream));
    return *stored.image.digest(0);
  };
  StreamBuilder plain = ram_start(2 * kPage), other = ram_start(2 * kPage),
                moved = ram_start(2 * kPage);
  plain.part(0).page("pc.ram", 0, 3).zero(kPage).eos().footer();
  other.part(0).zero("pc.ram", 0).compressed(0, packed(3, kPage));
  other.page(kPage, 0).eos().footer();
  moved.part(0).zero("pc.ram", 0).page(kPage, 3).eos().footer();
  CHECK(digest(plain) == digest(other));
  CHECK(digest(plain) != digest(moved));
}

TEST_CASE("a block of terabytes costs what was sent of it") {
  auto resident = [] {
    uint64_t size = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> size >> pages;
    return pages * 4096;
  };
  uint64_t before = resident();
  constexpr uint64_t kSize = 1ull << 40;
  StreamBuilder stream = ram_start(kSize);
  stream.part(0).page("pc.ram", 0, 1).page(kSize - kPage, 2).eos().footer();
  stream.command(Command::postcopy_discard, discard(0, kSize / 2));
  HeldPages held = held_of(ended(stream));
  CHECK(held.data == 1);
  CHECK(held.unknown == kSize / kPage - 1);
  CHECK(resident() < before + (4u << 20));
}

TEST_CASE("a store that cannot be written ends it") {
  MemoryImage image([](const captures::RamBlock&) -> Result<BlockStore> {
    return fail(ErrorKind::io, "no room");
  });
  captures::RamBlock block{"pc.ram", kPage};
  image.on_ram_blocks({&block, 1}, kPage);
  REQUIRE(image.failure());
  CHECK(image.failure()->message == "no room");
  captures::PageItem item;
  image.on_pages({&item, 1}); // and nothing happens
}
