#include "analyzer/trace_pause.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::wall_ms;

namespace {

// A line of a log with times, which came 2 ms later.
TraceMark written(double ms) {
  return {wall_ms(ms), at_ms(ms + 2)};
}

Timeline local() {
  Timeline out;
  out.source_clock = out.destination_clock =
      ClockMap::local({{at_ms(0), wall_ms(0)}});
  return out;
}

TraceMarks source() {
  TraceMarks out;
  out.pause.stop_begin = written(1000);
  out.pause.disks_flushed = written(1003);
  out.syncs.resize(2);
  out.syncs[0].start = written(990);
  out.syncs[0].end = written(991);
  out.syncs[1].start = written(1004);
  out.syncs[1].end = written(1006);
  out.syncs[1].in_pause = true;
  out.pause.sections = {{"ram", 1, written(1004), written(1030)},
                        {"cpu", 2, written(1031), written(1033)},
                        {"cpu", 3, written(1033), written(1034)}};
  return out;
}

DeviceState device(const char* name, uint32_t instance) {
  DeviceState out;
  out.name = name;
  out.instance_id = instance;
  return out;
}

} // namespace

TEST_CASE("the source's trace splits its part of the pause") {
  Timeline timeline = local();
  timeline.source_trace = source();
  PauseMarks marks;
  add_trace(marks, timeline, false);
  CHECK(marks.flushed == at_ms(1003));
  CHECK(marks.sync_begin == at_ms(1004));
  CHECK(marks.sync_end == at_ms(1006));
  CHECK(marks.ram_saved == at_ms(1030));
  CHECK(marks.devices_saved == at_ms(1034)); // 7.2: no checkpoint
  timeline.source_trace->checkpoints = {
      {written(1036), {"src-non-iterable-saved"}}};
  add_trace(marks, timeline, false);
  CHECK(marks.devices_saved == at_ms(1036));
}

TEST_CASE("a sync before the pause is not the final one") {
  Timeline timeline = local();
  timeline.source_trace = source();
  timeline.source_trace->syncs.pop_back();
  PauseMarks marks;
  add_trace(marks, timeline, false);
  CHECK_FALSE(marks.sync_begin);
  CHECK_FALSE(marks.sync_end);
}

TEST_CASE("a wait for migrate-continue is by the trace where it is there") {
  Timeline timeline = local();
  timeline.source_trace = source();
  PauseMarks marks;
  marks.wait_begin = at_ms(1003.5);
  marks.wait_end = at_ms(1003.7);
  add_trace(marks, timeline, false);
  CHECK(marks.wait_end == at_ms(1003.7));
  timeline.source_trace->pause.wait_begin = written(1003.4);
  add_trace(marks, timeline, false); // it does not tell the end
  CHECK(marks.wait_begin == at_ms(1003.5));
  timeline.source_trace->pause.wait_end = written(1003.8);
  add_trace(marks, timeline, false);
  CHECK(marks.wait_begin == at_ms(1003.4));
  CHECK(marks.wait_end == at_ms(1003.8));
}

TEST_CASE("postcopy's devices come after its sync and before more RAM") {
  Timeline timeline = local();
  timeline.source_trace = source();
  timeline.source_trace->pause.sections = {
      {"dirty-bitmap", 9, written(1003), written(1004)},
      {"cpu", 2, written(1010), written(1012)},
      {"cpu", 3, written(1012), written(1013)},
      {"ram", 1, written(1014), written(1030)},
      {"ram", 1, written(1030), written(1031)}};
  timeline.destination_trace.emplace().load_done = written(1050);
  PauseMarks marks;
  add_trace(marks, timeline, true);
  CHECK(marks.sync_end == at_ms(1006));
  CHECK(marks.discarded == at_ms(1010));
  CHECK(marks.devices_saved == at_ms(1013));
  CHECK_FALSE(marks.ram_saved);
  CHECK_FALSE(marks.loaded); // that is the end of RAM
  timeline.destination_trace->checkpoints = {
      {written(1016), {"dst-precopy-loadvm-completed"}},
      {written(1017), {"dst-postcopy-bh-cache-invalidated"}}};
  add_trace(marks, timeline, true);
  CHECK(marks.loaded == at_ms(1016));
  CHECK(marks.announced == at_ms(1017));
  // Without the sync nothing tells where the devices begin.
  timeline.source_trace->syncs.pop_back();
  marks = {};
  add_trace(marks, timeline, true);
  CHECK_FALSE(marks.discarded);
}

TEST_CASE("the destination's checkpoints, or before 8.2 its reader's end") {
  Timeline timeline = local();
  timeline.destination_trace.emplace().load_done = written(1050);
  PauseMarks marks;
  add_trace(marks, timeline, false);
  CHECK(marks.loaded == at_ms(1050));
  CHECK_FALSE(marks.announced);
  timeline.destination_trace->checkpoints = {
      {written(1049), {"dst-precopy-loadvm-completed"}},
      {written(1060), {"dst-precopy-bh-announced"}}};
  add_trace(marks, timeline, false);
  CHECK(marks.loaded == at_ms(1049));
  CHECK(marks.announced == at_ms(1060));
}

TEST_CASE("a log without times goes by arrival") {
  Timeline timeline = local();
  timeline.source_trace.emplace().pause.disks_flushed = {{}, at_ms(1010)};
  PauseMarks marks;
  add_trace(marks, timeline, false);
  CHECK(marks.flushed == at_ms(1010));
}

TEST_CASE("devices' times by section, in the order of the stream") {
  Timeline timeline = local();
  timeline.source_trace = source();
  timeline.destination_trace.emplace().load_devices = {
      {written(1040), {2, "cpu", 8, 1}}, {written(1041), {3, "cpu", 9, 1}}};
  timeline.destination_trace->load_done = written(1044);
  std::vector<DeviceState> devices{device("cpu", 8), device("cpu", 9),
                                   device("other", 0)};
  add_trace_times(devices, timeline);
  CHECK(devices[0].save_ms == doctest::Approx(2));
  CHECK(devices[1].save_ms == doctest::Approx(1));
  CHECK(devices[0].load_ms == doctest::Approx(1));
  CHECK(devices[1].load_ms == doctest::Approx(3));
  CHECK_FALSE(devices[2].save_ms);
}

TEST_CASE("devices' times as QEMU 8.2 gives them") {
  Timeline timeline = local();
  timeline.source_trace = source();
  timeline.source_trace->saves = {
      {written(1030), {false, true, "ram", 0, 900}},
      {written(1033), {false, false, "cpu", 9, 1500}}};
  std::vector<DeviceState> devices{device("cpu", 8), device("cpu", 9),
                                   device("ram", 0)};
  add_trace_times(devices, timeline);
  CHECK_FALSE(devices[0].save_ms);
  CHECK(devices[1].save_ms == doctest::Approx(1.5));
  CHECK_FALSE(devices[2].save_ms); // an iterable's is RAM's, not a device's
}
