#include "analyzer/memory/guest_layout.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::RamBlock;

namespace {

constexpr uint64_t kMiB = 1 << 20, kGiB = 1 << 30;

CmosMemory cmos(uint64_t below, uint64_t above) {
  return {below - 16 * kMiB, above % (1024 * kGiB)};
}

GuestLayout layout_of(const std::vector<RamBlock>& blocks, std::string machine,
                      std::optional<CmosMemory> sizes = {}) {
  MachineFacts facts;
  facts.machine = std::move(machine);
  facts.cmos = sizes;
  return guest_layout(blocks, facts);
}

// Where RAM's second part begins in the block; 0 where it is in one piece.
uint64_t split_of(const std::string& machine, uint64_t ram,
                  std::optional<CmosMemory> sizes = {}) {
  GuestLayout layout = layout_of({{"pc.ram", ram}}, machine, sizes);
  REQUIRE(layout.has_ram);
  CHECK(layout.pieces[0].address == 0);
  if (layout.pieces.size() == 1)
    return 0;
  REQUIRE(layout.pieces.size() == 2);
  CHECK(layout.pieces[1].address == 4 * kGiB);
  CHECK(layout.pieces[1].offset + layout.pieces[1].bytes == ram);
  return layout.pieces[1].offset;
}

bool noted(const GuestLayout& layout, std::string_view text) {
  for (const std::string& note : layout.notes)
    if (note.find(text) != note.npos)
      return true;
  return false;
}

} // namespace

TEST_CASE("where a machine type splits its RAM") {
  CHECK(split_of("pc-i440fx-7.2", 3583 * kMiB) == 0);
  CHECK(split_of("pc-i440fx-7.2", 3584 * kMiB) == 3 * kGiB);
  CHECK(split_of("pc-q35-10.0", 2815 * kMiB) == 0);
  CHECK(split_of("pc-q35-10.0", 2816 * kMiB) == 2 * kGiB);
  CHECK(split_of("microvm", 3 * kGiB) == 0);
  CHECK(split_of("microvm", 4 * kGiB) == 3 * kGiB);
}

TEST_CASE("the CMOS says better where RAM is split") {
  CHECK(split_of("pc-q35-10.0", 4 * kGiB, cmos(kGiB, 3 * kGiB)) == kGiB);
  CHECK(split_of("", 4 * kGiB, cmos(2 * kGiB, 2 * kGiB)) == 2 * kGiB);
  CHECK(split_of("pc-q35-10.0", 128 * kMiB, cmos(128 * kMiB, 0)) == 0);
  CHECK(split_of("", 100 * kMiB + 8192, cmos(100 * kMiB, 0)) == 0);
  CHECK(split_of("", 16 * kMiB, CmosMemory{}) == 0);
  // Its counter of 24 bits starts again at 1 TiB.
  CHECK(split_of("", 2048 * kGiB, cmos(3 * kGiB, 2045 * kGiB)) == 3 * kGiB);
}

TEST_CASE("a CMOS that does not fit is not believed") {
  CHECK(split_of("pc-i440fx-7.2", 4 * kGiB, cmos(kGiB, kGiB)) == 3 * kGiB);
  CHECK(noted(
      layout_of({{"pc.ram", 4 * kGiB}}, "pc-i440fx-7.2", cmos(kGiB, kGiB)),
      "no CMOS that says it"));
  CHECK_FALSE(layout_of({{"pc.ram", kGiB}}, "", cmos(2 * kGiB, 0)).has_ram);
}

TEST_CASE("firmware ends at 4 GiB") {
  GuestLayout bios =
      layout_of({{"pc.ram", kGiB}, {"pc.bios", 256 << 10}}, "pc-q35-10.0");
  REQUIRE(bios.pieces.size() == 2);
  CHECK(bios.pieces[1].address == 4 * kGiB - (256 << 10));
  GuestLayout flash = layout_of(
      {{"pc.ram", kGiB}, {"system.flash0", 3 * kMiB}, {"system.flash1", kMiB}},
      "pc-q35-10.0");
  REQUIRE(flash.pieces.size() == 3);
  CHECK(flash.pieces[1].block == 2);
  CHECK(flash.pieces[1].address == 4 * kGiB - 4 * kMiB);
  CHECK(flash.pieces[2].address == 4 * kGiB - 3 * kMiB);
}

TEST_CASE("a microvm shows its firmware below 1 MiB") {
  GuestLayout layout =
      layout_of({{"pc.ram", 64 * kMiB}, {"pc.bios", 256 << 10}}, "microvm");
  REQUIRE(layout.pieces.size() == 4);
  CHECK(layout.pieces[1].block == 1);
  CHECK(layout.pieces[1].offset == 128 << 10);
  CHECK(layout.pieces[1].address == 0xe0000);
  auto found = find_address(layout, 0x100000);
  REQUIRE(found);
  CHECK(found->block == 0);
  CHECK(found->offset == 0x100000);
  CHECK_FALSE(find_address(layout, 64 * kMiB));
}

TEST_CASE("RAM that is a memory backend") {
  CHECK(
      layout_of({{"mem0", kGiB}, {"pc.bios", 1 << 18}}, "pc-q35-10.0").has_ram);
  CHECK(layout_of({{"/objects/mem0", kGiB}}, "pc-q35-10.0").has_ram);
  // Which of two it is, the CMOS may tell; NUMA nodes it does not.
  std::vector<RamBlock> two{{"dimm", 2 * kGiB}, {"mem0", kGiB}};
  GuestLayout told = layout_of(two, "pc-q35-10.0", cmos(kGiB, 0));
  REQUIRE(told.has_ram);
  CHECK(told.pieces[0].block == 1);
  CHECK(noted(told, "no guest-physical address is known for dimm"));
  GuestLayout nodes =
      layout_of({{"n0", kGiB}, {"n1", kGiB}}, "pc-q35-10.0", cmos(2 * kGiB, 0));
  CHECK_FALSE(nodes.has_ram);
  CHECK(noted(nodes, "cannot be told"));
}

TEST_CASE("sizes that make no sense lie over nothing") {
  std::vector<RamBlock> blocks{{"pc.ram", UINT64_MAX}, {"pc.bios", 1ull << 40}};
  GuestLayout layout = layout_of(blocks, "pc-i440fx-7.2");
  CHECK_FALSE(layout.has_ram);
  for (const LayoutPiece& piece : layout.pieces)
    CHECK(piece.address + piece.bytes > piece.address);
}
