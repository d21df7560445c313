#include "analyzer/pages/heat_counter.h"
#include "analyzer/pages/report_heat.h"
#include "analyzer/stream_model.h"

#include <doctest/doctest.h>
#include <map>

using namespace migscope;
using namespace migscope::analyzer;
using captures::PageItem;
using captures::SectionKind;

namespace {

captures::RamBlock block(const char* name, uint64_t bytes) {
  captures::RamBlock out;
  out.name = name;
  out.used_length = bytes;
  return out;
}

std::vector<std::vector<uint64_t>> told(const HeatCounter& heat) {
  std::vector<std::vector<uint64_t>> out;
  heat.for_each([&](uint32_t section, size_t bin, const HeatCount& count) {
    out.push_back({section, bin, count.pages, count.resent});
  });
  return out;
}

std::map<uint32_t, HeatCount> by_section(const HeatCounter& heat) {
  std::map<uint32_t, HeatCount> out;
  heat.for_each([&](uint32_t section, size_t, const HeatCount& count) {
    out[section].pages += count.pages;
    out[section].resent += count.resent;
  });
  return out;
}

} // namespace

TEST_CASE("pages are counted by section and unit of memory") {
  HeatCounter heat;
  std::vector blocks{block("ram", 8u << 20), block("rom", 4096)};
  heat.set_blocks(blocks, 4096);
  CHECK(heat.unit_pages() == 4); // 2048 pages in 512 units
  heat.add({0, 0, 0, 1, false});
  heat.add({0, 0, 3, 1, true});
  heat.add({0, 0, 4, 1, false});
  heat.add({1, 0, 0, 1, false});
  heat.add({0, 7, 0, 1, true});
  heat.finish();
  uint64_t rom = heat.first_bins()[1];
  CHECK(told(heat) ==
        std::vector<std::vector<uint64_t>>{
            {0, 0, 2, 1}, {0, 1, 1, 0}, {0, rom, 1, 0}, {7, 0, 1, 1}});
}

TEST_CASE("a run of pages is divided among the units that it lies in") {
  HeatCounter heat;
  std::vector blocks{block("ram", 8u << 20)};
  heat.set_blocks(blocks, 4096);
  REQUIRE(heat.unit_pages() == 4);
  heat.add({0, 0, 3, 6, true}); // one, four and one
  heat.add({0, 1, 4, 8, false});
  heat.finish();
  CHECK(told(heat) == std::vector<std::vector<uint64_t>>{{0, 0, 1, 1},
                                                         {0, 1, 4, 4},
                                                         {0, 2, 1, 1},
                                                         {1, 1, 4, 0},
                                                         {1, 2, 4, 0}});
}

TEST_CASE("a block that is told of later makes units larger, and loses none") {
  HeatCounter heat;
  std::vector blocks{block("ram", 8u << 20)};
  heat.set_blocks(blocks, 4096);
  for (uint64_t page = 0; page < 1024; ++page)
    heat.add({0, 0, page, 1, page % 2 == 0});
  blocks.push_back(block("hotplugged", 1ull << 40));
  heat.set_blocks(blocks, 4096);
  heat.add({1, 1, (1u << 28) - 1, 1, false});
  heat.finish();
  CHECK(heat.unit_pages() == 1u << 19);
  auto sections = by_section(heat);
  CHECK(sections[0].pages == 1024);
  CHECK(sections[0].resent == 512);
  CHECK(sections[1].pages == 1);
}

TEST_CASE("what is kept stays bounded, and sections stay apart") {
  HeatCounter heat;
  std::vector blocks{block("ram", 512ull << 12)};
  heat.set_blocks(blocks, 4096);
  constexpr uint32_t kSections = 10'000;
  for (uint32_t section = 0; section < kSections; ++section)
    heat.add({0, section, 0, 512, section > 0});
  heat.finish();
  CHECK(heat.complete());
  CHECK(heat.unit_pages() > 1);
  size_t cells = 0;
  heat.for_each([&](uint32_t, size_t, const HeatCount&) { ++cells; });
  CHECK(cells <= 1u << 20);
  auto sections = by_section(heat);
  REQUIRE(sections.size() == kSections);
  for (const auto& [section, count] : sections)
    REQUIRE(count.pages == 512);
}

TEST_CASE("too many blocks in too many sections are not told of") {
  HeatCounter heat;
  std::vector<captures::RamBlock> blocks(4096, block("b", 4096));
  heat.set_blocks(blocks, 4096);
  for (uint32_t section = 0; section < 400; ++section)
    for (uint32_t index = 0; index < blocks.size(); ++index)
      heat.add({index, section, 0, 1, false});
  heat.finish();
  CHECK_FALSE(heat.complete());
}

TEST_CASE("the map goes by round, and tells of owners") {
  TaskPool pool(1);
  StreamModel model(pool, Content::hashed);
  std::vector blocks{block("pc.ram", 8u << 20)};
  auto section = [&](SectionKind kind, const std::vector<uint64_t>& pages) {
    captures::SectionHeader header{kind, 2, "ram", 0, 4, 100};
    model.on_section_begin(header);
    if (kind == SectionKind::start)
      model.on_ram_blocks(blocks, 4096);
    std::vector<PageItem> items;
    for (uint64_t page : pages) {
      PageItem item;
      item.address = page * 4096;
      item.wire_bytes = 9;
      items.push_back(item);
    }
    if (!items.empty())
      model.on_pages(items);
    model.on_section_end(header, {.end = 200});
  };
  section(SectionKind::start, {});
  section(SectionKind::part, {0, 1});
  section(SectionKind::part, {8});
  section(SectionKind::part, {1});
  section(SectionKind::end, {1, 8});
  model.finish();
  GuestLayout layout;
  layout.pieces = {{0, 0, 8u << 20, 0x10000}};
  auto owners = parse_owners("start,end,owner\n"
                             "0x10000,0x11000,cold\n"
                             "0x11000,0x12000,hot\n",
                             "owners.csv");
  REQUIRE(owners);
  // Sections 0 and 1 are the first round; the third one sent nothing.
  RoundsOfPages rounds{{0, 2, 3, 3}, {}, true};
  auto map = report_heat(model, rounds, layout, &*owners);
  REQUIRE(map);
  CHECK(map->unit_bytes == 4 * 4096);
  REQUIRE(map->columns.size() == 4);
  CHECK(map->columns[1].first_round == 2);
  CHECK(map->columns[3].pause);
  REQUIRE(map->bins.size() == 2);
  CHECK(map->bins[0].guest_address == 0x10000);
  CHECK(map->bins[1].address == 8 * 4096);
  REQUIRE(map->bins[0].owners.size() == 2);
  CHECK(map->bins[0].owners[0].name == "hot");
  CHECK(map->bins[0].owners[0].resent_pages == 2);
  CHECK(map->bins[1].owners.empty());
  std::vector<std::vector<uint64_t>> cells;
  for (const HeatCell& cell : map->cells)
    cells.push_back({cell.column, cell.bin, cell.pages, cell.resent_pages});
  CHECK(cells == std::vector<std::vector<uint64_t>>{{0, 0, 2, 0},
                                                    {0, 1, 1, 0},
                                                    {1, 0, 1, 1},
                                                    {3, 0, 1, 1},
                                                    {3, 1, 1, 1}});
  // Without rounds all is one column; with very many, several share one.
  auto whole = report_heat(model, RoundsOfPages{}, layout, nullptr);
  REQUIRE(whole);
  REQUIRE(whole->columns.size() == 1);
  CHECK(whole->columns[0].first_round == 0);
  CHECK(whole->cells[0].pages == 4);
  std::vector<size_t> many(1000, 4);
  many[0] = 0;
  auto shared = report_heat(model, {many, {}, false}, layout, nullptr);
  REQUIRE(shared);
  CHECK(shared->columns.size() <= 128);
  CHECK(shared->columns.back().last_round == 1000);
}
