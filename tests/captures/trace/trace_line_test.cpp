#include "captures/trace/trace_line.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::captures;

TEST_CASE("a line up to QEMU 10.0") {
  auto line = trace::parse_line(
      "14771@1795647798.816898:migration_bitmap_sync_end dirty_pages 1253");
  REQUIRE(line);
  CHECK(line->emitted == WallTime{1'795'647'798'816'898'000});
  CHECK(line->event == "migration_bitmap_sync_end");
  CHECK(line->args == "dirty_pages 1253");
}

TEST_CASE("a line from QEMU 10.1 on") {
  auto line = trace::parse_line(
      "2026-11-25T23:03:18.816898Z migration_bitmap_sync_start ");
  REQUIRE(line);
  CHECK(line->emitted == WallTime{1'795'647'798'816'898'000});
  CHECK(line->event == "migration_bitmap_sync_start");
  CHECK(line->args.empty());
}

TEST_CASE("a line without time") {
  auto line = trace::parse_line("vm_stop_flush_all ret 0");
  REQUIRE(line);
  CHECK_FALSE(line->emitted);
  CHECK(line->event == "vm_stop_flush_all");
  CHECK(line->args == "ret 0");
}

TEST_CASE("an impossible time makes it no trace line") {
  for (const char* text :
       {"2026-02-30T23:03:18.816898Z vm_stop_flush_all ret 0",
        "2026-11-25T24:03:18.816898Z vm_stop_flush_all ret 0",
        "2026-11-25T23:03:18.81689Z vm_stop_flush_all ret 0",
        "1960-11-25T23:03:18.816898Z vm_stop_flush_all ret 0",
        "14771@99999999999999999999.816898:vm_stop_flush_all ret 0",
        "14771@9999999999999.816898:vm_stop_flush_all ret 0",
        "14771@-5.816898:vm_stop_flush_all ret 0",
        "14771@1795647798.8168:vm_stop_flush_all ret 0",
        "@1795647798.816898:vm_stop_flush_all ret 0"})
    CHECK_FALSE_MESSAGE(trace::parse_line(text), text);
}

TEST_CASE("what QEMU says besides is no trace line") {
  for (const char* text :
       {"", " ", "qemu-system-x86_64: warning: TCG doesn't support it",
        "2026-11-25T23:03:18.816898Z qemu-system-x86_64: terminating on signal",
        "2026-11-25T23:03:18.816898Z ", "2026-11-25T23:03:18.816898Z warning",
        "char device redirected to /dev/pts/3", "12_3 x",
        "2026-11-25 23:03:18.816+0000: starting up libvirt version: 9.0.0"})
    CHECK_FALSE_MESSAGE(trace::parse_line(text), text);
}
