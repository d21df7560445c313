#include "analyzer/pages/owners.h"
#include "analyzer/stream_model.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::PageItem;
using captures::SectionKind;

namespace {

std::string error_of(std::string_view csv) {
  auto owners = parse_owners(csv, "owners.csv");
  REQUIRE_FALSE(owners);
  CHECK(owners.error().kind == ErrorKind::malformed);
  CHECK(owners.error().where == "owners.csv");
  return owners.error().message;
}

PageItem page(uint64_t number, uint32_t bytes = 9, uint32_t block = 0) {
  PageItem out;
  out.address = number * 4096;
  out.block = block;
  out.wire_bytes = bytes;
  return out;
}

} // namespace

TEST_CASE("a table of owners") {
  auto owners = parse_owners("# made \"by hand\n"
                             "start,end,owner,cgroup\r\n"
                             "\r\n"
                             "0x3000,0x5000,\"a, \"\"b\"\"\",/x\r\n"
                             "0,4096,kernel,\n"
                             "0x5000,0x6000,kernel,/x",
                             "owners.csv");
  REQUIRE(owners);
  CHECK(owners->columns == std::vector<std::string>{"owner", "cgroup"});
  REQUIRE(owners->ranges.size() == 3);
  CHECK(owners->ranges[0].end == 4096);
  CHECK(owners->ranges[2].start == 0x5000);
  CHECK(owners->names[0] == std::vector<std::string>{"a, \"b\"", "kernel"});
  CHECK(owners->names[1] == std::vector<std::string>{"/x", ""});
  CHECK(owners->ids == std::vector<uint32_t>{1, 1, 0, 0, 1, 0});
}

TEST_CASE("what is no table of owners") {
  CHECK(error_of("") == "line 1: the table is empty");
  CHECK(error_of("# only\n# comments\n") == "line 3: the table is empty");
  CHECK(error_of("a,b,c\n").starts_with("line 1: expected a head"));
  CHECK(error_of("start,end\n").starts_with("line 1: expected a head"));
  const std::string head = "start,end,owner\n";
  CHECK(error_of(head + "0,1\n") ==
        "line 2: 2 fields, expected 3 as in the head");
  for (const char* row : {"x,1,a", "0,0,a", "5,4,a", "0x,4,a", "-1,4,a",
                          "0,0x1ffffffffffffffff,a"})
    CHECK(error_of(head + "\n" + row)
              .starts_with("line 3: expected two addresses"));
  CHECK(error_of(head + "0,9,a\n20,30,b\n8,10,c\n") ==
        "the ranges of lines 2 and 4 overlap");
  CHECK(error_of(head + "0,9,\"a").starts_with("line 2: "));
  CHECK(error_of("start,end,1,2,3,4,5,6,7,8,9\n") ==
        "line 1: 9 columns of names, expected at most 8");
  CHECK(error_of(head + "0,9," + std::string(4097, 'a'))
            .starts_with("line 2: a name of more than 4096 bytes"));
  CHECK(error_of(head + std::string(1000, ',')) ==
        "line 2: 1001 fields, expected 3 as in the head");
}

TEST_CASE("each owner pays for its pages") {
  TaskPool pool(1);
  StreamModel model(pool, Content::hashed);
  std::vector<captures::RamBlock> blocks(2);
  blocks[0] = {"pc.ram", 1u << 20};
  blocks[1] = {"rom", 1u << 16};
  auto section = [&](SectionKind kind, std::vector<PageItem> pages) {
    captures::SectionHeader header{kind, 2, "ram", 0, 4, 100};
    model.on_section_begin(header);
    if (kind == SectionKind::start)
      model.on_ram_blocks(blocks, 4096);
    if (!pages.empty())
      model.on_pages(pages);
    model.on_section_end(header, {.end = 200});
  };
  section(SectionKind::start, {});
  section(SectionKind::part,
          {page(0), page(1), page(2), page(3), page(4), page(0, 9, 1)});
  section(SectionKind::part, {page(1), page(3)});
  section(SectionKind::end, {page(1, 4104), page(2, 100)});
  model.finish();

  // Page i of pc.ram lies at 0x10000 + i * 4096, but for the last half.
  GuestLayout layout;
  layout.pieces = {{0, 0, 0x80000, 0x10000}};
  auto owners = parse_owners("start,end,owner,kind\n"
                             "0x10000,0x11800,a,x\n" // 0 and half of 1
                             "0x11800,0x13000,b,x\n" // the rest of 1, and 2
                             "0x13000,0x14000,c,y\n" // 3
                             "0,0x8000,d,y\n",       // nothing that was sent
                             "owners.csv");
  REQUIRE(owners);
  RoundsOfPages rounds{{0, 1, 2}, {}, true};
  auto rankings = rank_owners(model, rounds, layout, *owners);
  REQUIRE(rankings.size() == 2);
  CHECK(rankings[0].column == "owner");
  const auto& by_owner = rankings[0].owners;
  REQUIRE(by_owner.size() == 3);
  CHECK(by_owner[0].name == "a"); // has most of the pause: page 1 is its
  CHECK(by_owner[0].pages == 2);
  CHECK(by_owner[0].resent_pages == 2);
  CHECK(by_owner[0].hot_pages == 1);
  CHECK(by_owner[0].stop_copy_pages == 1);
  CHECK(by_owner[0].stop_copy_bytes == 4104);
  CHECK(by_owner[1].name == "b");
  CHECK(by_owner[1].stop_copy_bytes == 100);
  CHECK(by_owner[2].name == "c");
  CHECK(by_owner[2].resent_pages == 1);
  CHECK(by_owner[2].stop_copy_pages == 0);
  CHECK(rankings[0].unowned.pages == 2); // 4, and that of rom
  const auto& by_kind = rankings[1].owners;
  REQUIRE(by_kind.size() == 2);
  CHECK(by_kind[0].name == "x");
  CHECK(by_kind[0].pages == 3);
  CHECK(by_kind[0].stop_copy_bytes == 4204);
}
