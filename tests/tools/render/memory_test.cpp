#include "tools/render/memory.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::tools;

namespace {

MemoryReport report() {
  MemoryReport out;
  out.machine = "pc-q35-10.0";
  out.page_size = 4096;
  BlockReport ram;
  ram.name = "pc.ram";
  ram.bytes = 8 * 4096;
  ram.held = {8, 5, 2, 1, 1, 0};
  BlockReport rom;
  rom.name = "r\xffm";
  rom.held = {1, 0, 1, 0, 0, 0};
  rom.digest = 0xab;
  out.blocks = {ram, rom};
  out.block_list = {{"pc.ram", 8 * 4096}, {"r\xffm", 4096}};
  out.layout.pieces = {{0, 0, 8 * 4096, 0}};
  return out;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

} // namespace

TEST_CASE("a report says what is missing") {
  std::string text = render_text(report());
  CHECK(holds(text, "memory at the end of the stream (incomplete), pc-q35"));
  CHECK(holds(text, "    8     5     2        1                 ?  pc.ram\n"));
  CHECK(holds(text, "    1     0     1        0  00000000000000ab  r?m\n"));
  MemoryReport whole = report();
  whole.round = 3;
  whole.blocks[0].shared = true;
  text = render_text(whole);
  CHECK(holds(text, "memory at the end of round 3, pc-q35"));
  CHECK(holds(text, "shared"));
}

TEST_CASE("a report as JSON") {
  qmp::Json json = render_json(report());
  CHECK(json.get("schema").as_string() == "migscope/memory-1");
  CHECK(json.get("complete").as_bool() == false);
  CHECK(json.get("round").is_null());
  auto blocks = json.get("blocks").elements();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].get("unknown_pages").as_uint() == 1);
  CHECK(blocks[0].get("digest").is_null());
  CHECK(blocks[1].get("digest").as_string() == "00000000000000ab");
  CHECK(blocks[1].get("name").as_string() == "r?m");
  auto layout = json.get("layout").elements();
  REQUIRE(layout.size() == 1);
  CHECK(layout[0].get("block").as_string() == "pc.ram");
}

TEST_CASE("a page's history") {
  HistoryReport history;
  history.block = "pc.ram";
  history.address = 0x1000;
  history.guest_address = 0x100001000;
  history.sends = {{0, 0x50, 0x40, captures::PageKind::normal, 4111, 7, {}},
                   {0, 0x90, {}, {}, 0, {}, {}}};
  history.rounds = {1, {}};
  std::string text = render_text(history);
  CHECK(holds(text, "page 0x1000 of pc.ram, guest-physical 0x100001000: sent "
                    "once, discarded 1"));
  CHECK(holds(text, "discard"));
  auto sends = render_json(history).get("sends").elements();
  REQUIRE(sends.size() == 2);
  CHECK(sends[0].get("kind").as_string() == "normal");
  CHECK(sends[0].get("digest").as_string() == "0000000000000007");
  CHECK(sends[0].get("section").as_uint() == 0x40);
  CHECK(sends[1].get("kind").as_string() == "discard");
  CHECK(sends[1].get("round").is_null());
}
