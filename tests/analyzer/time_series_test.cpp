#include "analyzer/time_series.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;
using migscope::testing::mark_ms;
using qmp::MigrationStatus;

namespace {

Sample sample(double ms, MigrationStatus status) {
  Sample out;
  out.asked = at_ms(ms - 1);
  out.answered = at_ms(ms);
  out.info.status = status;
  out.info.ram.emplace();
  out.info.ram->remaining = 4096;
  out.info.ram->mbps = 800;
  out.info.ram->dirty_pages_rate = 10;
  return out;
}

} // namespace

TEST_CASE("samples and marks stand on the axis of the migration") {
  Timeline timeline;
  timeline.samples = {sample(90, MigrationStatus::none),
                      sample(110, MigrationStatus::active),
                      sample(160, MigrationStatus::completed)};
  qmp::MigrationParameters limited{300, 1000, {}}, free{300, 0, {}};
  timeline.parameters = {{at_ms(95), free}, // set before it began
                         {at_ms(105), limited},
                         {at_ms(120), limited},
                         {at_ms(130), free}};
  timeline.stop = mark_ms(150);
  SyncMark sync;
  sync.number = 2;
  sync.earliest = sync.latest = at_ms(140);
  auto out = time_series(timeline, at_ms(100), {sync}, {});
  REQUIRE(out.samples.size() == 2);
  CHECK(out.samples[0].t_ms == doctest::Approx(10));
  CHECK(out.samples[0].remaining_bytes == 4096);
  CHECK(out.samples[0].mbps == 800.0);
  CHECK(out.samples[0].dirty_bytes_per_second == 40960.0);
  CHECK_FALSE(out.samples[0].transferred_bytes);
  REQUIRE(out.limits.size() == 2);
  CHECK(out.limits[0].max_bandwidth == 1000);
  CHECK(out.limits[1].t_ms == doctest::Approx(30));
  CHECK_FALSE(out.limits[1].max_bandwidth);
  REQUIRE(out.passes.size() == 1);
  CHECK(out.passes[0].t_ms == doctest::Approx(40));
  CHECK(out.stop_ms == doctest::Approx(50));
  CHECK_FALSE(out.resume_ms);
  timeline.parameters.resize(1);
  CHECK(time_series(timeline, at_ms(100), {}, {}).limits.size() == 1);
  // Without events the samples tell of the status.
  REQUIRE(out.statuses.size() == 2);
  CHECK(out.statuses[1].status == MigrationStatus::completed);
  CHECK(out.statuses[1].t_ms == doctest::Approx(60));
  timeline.source_statuses = {{MigrationStatus::setup, mark_ms(100)}};
  auto events = time_series(timeline, at_ms(100), {}, {});
  REQUIRE(events.statuses.size() == 1);
  CHECK(events.statuses[0].status == MigrationStatus::setup);
}

TEST_CASE("without a beginning there is no axis") {
  Timeline timeline;
  timeline.samples = {sample(110, MigrationStatus::active)};
  CHECK(time_series(timeline, {}, {}, {}).samples.empty());
}
