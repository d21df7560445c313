#include "analyzer/pages/scanned_pause.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;

TEST_CASE("what was sent last in the pause is what it sent") {
  PageLedger ledger(4096);
  captures::RamBlock block;
  block.used_length = 16u << 20;
  REQUIRE(ledger.set_blocks(std::vector{block, block}));
  auto send = [&](uint32_t of, uint64_t page, uint32_t section) {
    HashedPage sent;
    sent.block = of;
    sent.page = page;
    sent.section = section;
    sent.wire_bytes = 4106;
    ledger.record(sent);
  };
  for (uint64_t page : {1, 2, 3, 600})
    send(0, page, 0);
  send(1, 5, 1);
  send(0, 3, 2);
  send(0, 600, 2);
  ScannedPause pause = scanned_pause(ledger, 1 + 1);
  REQUIRE(pause.blocks.size() == 2);
  CHECK(pause.blocks[0].pages == 2);
  CHECK(pause.blocks[0].bytes == 2 * 4106);
  CHECK(pause.blocks[1].pages == 1);
  REQUIRE(pause.runs.runs().size() == 3);
  CHECK(pause.runs.runs()[1].unit == 1); // of 2 MiB
  CHECK(pause.runs.runs()[2].block == 1);
}
