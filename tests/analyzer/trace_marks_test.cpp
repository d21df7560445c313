#include "analyzer/trace_marks.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::End;

namespace {

// Of lines as QEMU writes them, 1 ms apart here.
TraceMarks marks_of(End end, const std::vector<const char*>& lines) {
  TraceMarksBuilder builder(end);
  MonoTime arrival{0};
  for (const char* text : lines) {
    arrival = arrival + std::chrono::milliseconds(1);
    auto line = trace::parse_line(text);
    REQUIRE_MESSAGE(line, text);
    auto event = trace::decode(*line);
    REQUIRE_MESSAGE(event, text);
    builder.add(*event, {line->emitted, arrival});
  }
  return builder.take();
}

double ms(const TraceMark& from, const TraceMark& to) {
  return to_ms(*to.emitted - *from.emitted);
}

// A switchover of QEMU 11.1, shortened.
const std::vector<const char*> kSource = {
    "2026-11-25T23:03:22.754528Z migrate_set_state new state setup",
    "2026-11-25T23:03:22.767107Z migration_bitmap_sync_start ",
    "2026-11-25T23:03:22.771901Z migration_bitmap_sync_end dirty_pages 0",
    "2026-11-25T23:03:22.771942Z migrate_set_state new state active",
    "2026-11-25T23:03:22.772005Z qemu_savevm_query_pending exact=0, final=0, "
    "precopy=268967936, stopcopy=0, postcopy=0, total=268967936, collected "
    "switchover ack pending=0, total switchover ack pending=0",
    "2026-11-25T23:03:22.772013Z savevm_section_start ram, section_id 1",
    "2026-11-25T23:03:22.823538Z savevm_section_end ram, section_id 1 -> 0",
    "2026-11-25T23:03:22.879460Z migrate_transferred transferred 8893135 "
    "time_spent 113 bandwidth 629 switchover_bw 78700 max_size 23610092",
    "2026-11-25T23:03:23.624599Z vmstate_downtime_checkpoint "
    "src-downtime-start",
    "2026-11-25T23:03:23.624605Z runstate_set current_run_state 9 (running) "
    "new_state 7 (finish-migrate)",
    "2026-11-25T23:03:23.624690Z vm_stop_flush_all ret 0",
    "2026-11-25T23:03:23.624694Z vmstate_downtime_checkpoint src-vm-stopped",
    "2026-11-25T23:03:23.624700Z migration_bitmap_sync_start ",
    "2026-11-25T23:03:23.625200Z migration_bitmap_sync_end dirty_pages 2",
    "2026-11-25T23:03:23.625245Z savevm_section_start ram, section_id 1",
    "2026-11-25T23:03:23.671504Z vmstate_downtime_save type=iterable "
    "idstr=ram instance_id=0 downtime=46222",
    "2026-11-25T23:03:23.671505Z savevm_section_end ram, section_id 1 -> 0",
    "2026-11-25T23:03:23.671530Z savevm_section_start apic, section_id 6",
    "2026-11-25T23:03:23.671540Z vmstate_downtime_save type=non-iterable "
    "idstr=apic instance_id=0 downtime=10",
    "2026-11-25T23:03:23.676000Z vmstate_downtime_checkpoint src-downtime-end",
    "2026-11-25T23:03:23.685000Z migrate_set_state new state completed",
    "2026-11-25T23:03:23.685100Z runstate_set current_run_state 7 "
    "(finish-migrate) new_state 5 (postmigrate)",
};

} // namespace

TEST_CASE("a source's switchover") {
  TraceMarks marks = marks_of(End::source, kSource);
  const SourcePause& pause = marks.pause;
  REQUIRE(pause.stop_begin);
  CHECK(ms(*pause.stop_begin, *pause.disks_flushed) == doctest::Approx(0.085));
  CHECK_FALSE(pause.wait_begin);
  REQUIRE(pause.sections.size() == 2); // not the one from before the stop
  CHECK(pause.sections[0].idstr == "ram");
  CHECK(ms(pause.sections[0].start, *pause.sections[0].end) ==
        doctest::Approx(46.26));
  CHECK(pause.sections[1].idstr == "apic");
  CHECK_FALSE(pause.sections[1].end); // the line is missing

  CHECK(marks.from_setup);
  REQUIRE(marks.checkpoints.size() == 3);
  CHECK(marks.checkpoints[1].what.name == "src-vm-stopped");
  CHECK(marks.checkpoints[1].mark.arrival == MonoTime{12'000'000});
  REQUIRE(marks.saves.size() == 2);
  CHECK(marks.saves[0].what.us == 46222);
  CHECK(marks.loads.empty());
  REQUIRE(marks.syncs.size() == 2);
  CHECK(ms(marks.syncs[1].start, marks.syncs[1].end) == doctest::Approx(0.5));
  CHECK(marks.syncs[1].dirty_pages == 2);
  CHECK_FALSE(marks.syncs[0].in_pause);
  CHECK(marks.syncs[1].in_pause);
}

TEST_CASE("what QEMU decided by after each sync") {
  // 11.1: an estimate is not it, and before the first window nothing may.
  TraceMarks marks = marks_of(
      End::source,
      {"migrate_set_state new state setup", "migration_bitmap_sync_start ",
       "migration_bitmap_sync_end dirty_pages 0",
       "qemu_savevm_query_pending exact=0, final=0, precopy=67641344, "
       "stopcopy=0, postcopy=0, total=67641344",
       "migrate_transferred transferred 1033326 time_spent 115 bandwidth 71 "
       "switchover_bw 8985 max_size 269563",
       "migration_bitmap_sync_start ",
       "migration_bitmap_sync_end dirty_pages 1028",
       "qemu_savevm_query_pending exact=1, final=0, precopy=4341760, "
       "stopcopy=0, postcopy=0, total=4341764",
       "migrate_transferred transferred 1707600 time_spent 100 bandwidth 136 "
       "switchover_bw 17076 max_size 512280",
       "qemu_savevm_query_pending exact=1, final=0, precopy=1, stopcopy=0, "
       "postcopy=0, total=1"});
  REQUIRE(marks.syncs.size() == 2);
  CHECK_FALSE(marks.syncs[0].pending_bytes);
  CHECK(marks.syncs[0].allowed_bytes == 0);
  CHECK(marks.syncs[1].pending_bytes == 4341764);
  CHECK(marks.syncs[1].allowed_bytes == 269563);
  CHECK(marks.syncs[1].bytes_per_ms == 8985);
  // 10.0: none was chosen. A log that begins late has no threshold at first.
  marks = marks_of(
      End::source,
      {"migration_bitmap_sync_start ",
       "migration_bitmap_sync_end dirty_pages 7",
       "migrate_pending_exact exact pending size 9 (pre = 9 post=0)",
       "migrate_transferred transferred 1707600 time_spent 100 bandwidth 17076 "
       "switchover_bw 0 max_size 512280",
       "migration_bitmap_sync_start ",
       "migration_bitmap_sync_end dirty_pages 7"});
  CHECK_FALSE(marks.from_setup);
  CHECK(marks.syncs[0].pending_bytes == 9);
  CHECK_FALSE(marks.syncs[0].allowed_bytes);
  CHECK(marks.syncs[1].bytes_per_ms == 17076);
  // 7.2 tells the threshold itself.
  marks = marks_of(End::source, {"migration_bitmap_sync_start ",
                                 "migration_bitmap_sync_end dirty_pages 7",
                                 "migrate_pending pending size 4210688 max "
                                 "314516 (pre = 4210688 compat=0 post=0)"});
  CHECK(marks.syncs[0].pending_bytes == 4210688);
  CHECK(marks.syncs[0].allowed_bytes == 314516);
}

TEST_CASE("the wait for migrate-continue") {
  TraceMarks marks = marks_of(
      End::source,
      {"1@1.000000:runstate_set current_run_state 9 (running) new_state 7 "
       "(finish-migrate)",
       "1@1.001000:migrate_set_state new state pre-switchover",
       "1@1.301000:migrate_set_state new state device",
       "1@1.302000:migrate_set_state new state completed"});
  REQUIRE(marks.pause.wait_begin);
  REQUIRE(marks.pause.wait_end);
  CHECK(ms(*marks.pause.wait_begin, *marks.pause.wait_end) ==
        doctest::Approx(300));
}

TEST_CASE("a destination's load") {
  TraceMarks marks = marks_of(
      End::destination,
      {"7@1795647798.191757:migrate_set_state new state active",
       "7@1795647798.192976:qemu_loadvm_state_section_startfull 2(ram) 0 4",
       "7@1795647798.844155:qemu_loadvm_state_section_startfull 13(dma) 1 1",
       "7@1795647798.844161:vmstate_downtime_load type=non-iterable idstr=dma "
       "instance_id=1 downtime=5",
       "7@1795647798.846423:qemu_loadvm_state_post_main 0",
       "7@1795647798.846776:runstate_set current_run_state 1 (inmigrate) "
       "new_state 9 (running)"});
  REQUIRE(marks.load_devices.size() == 2);
  CHECK(marks.load_devices[1].what.idstr == "dma");
  REQUIRE(marks.loads.size() == 1);
  CHECK(marks.loads[0].what.instance_id == 1);
  CHECK(ms(marks.load_devices[1].mark, *marks.load_done) ==
        doctest::Approx(2.268));
  CHECK_FALSE(marks.pause.stop_begin);
}

TEST_CASE("a new migration forgets the one before") {
  auto twice = kSource;
  twice.insert(twice.end(), kSource.begin(), kSource.begin() + 8);
  TraceMarks marks = marks_of(End::source, twice);
  CHECK(marks.syncs.size() == 1);
  CHECK(marks.checkpoints.empty());
  CHECK_FALSE(marks.pause.stop_begin);
  CHECK(marks.pause.sections.empty());
}

TEST_CASE("a switchover that did not go through is no pause") {
  auto lines = kSource;
  lines.push_back("runstate_set current_run_state 7 (finish-migrate) new_state "
                  "9 (running)");
  CHECK_FALSE(marks_of(End::source, lines).pause.stop_begin);
}

TEST_CASE("ends without beginnings are no marks") {
  TraceMarks marks =
      marks_of(End::source, {"migration_bitmap_sync_end dirty_pages 1",
                             "savevm_section_end ram, section_id 1 -> 0",
                             "vm_stop_flush_all ret 0"});
  CHECK(marks.syncs.empty());
  CHECK(marks.pause.sections.empty());
  CHECK_FALSE(marks.pause.disks_flushed);
}

TEST_CASE("an endless log costs its beginning") {
  TraceMarksBuilder builder(End::source);
  for (uint32_t i = 0; i < 250'000; ++i)
    builder.add(trace::LoadDevice{0, "", i, 0}, {});
  TraceMarks marks = builder.take();
  CHECK(marks.load_devices.size() + marks.forgotten == 250'000);
  CHECK(marks.load_devices.size() <= 100'000);
  CHECK(marks.load_devices.back().what.instance_id == 249'999);
}
