#include "tools/live/end_estimate.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::tools;
using analyzer::PassCheck;
using qmp::MigrationStatus;

namespace {

constexpr uint64_t kMib = 1 << 20;

PassCheck check(uint64_t pass, uint64_t left_mib, uint64_t allowed_mib) {
  PassCheck out;
  out.pass = pass;
  out.pending_bytes = left_mib * kMib;
  out.allowed_bytes = allowed_mib * kMib;
  return out;
}

// At 100 MiB/s, with a pause of 100 MiB allowed at the most.
LiveModel model(uint64_t left_mib, std::vector<PassCheck> checks,
                std::optional<double> dirtied_mib = {}) {
  LiveModel out;
  out.status = MigrationStatus::active;
  out.left = left_mib * kMib;
  out.sent = 100.0 * kMib;
  out.limit_ms = 1000;
  out.pass = checks.empty() ? 0 : checks.back().pass;
  out.checks = std::move(checks);
  if (dirtied_mib)
    out.dirtied = *dirtied_mib * kMib;
  return out;
}

} // namespace

TEST_CASE("passes that halve end after those that are needed") {
  // 400 left, then 200, and 100 may be left: sent in the pause.
  EndEstimate end =
      estimate_end(model(400, {check(2, 800, 100), check(3, 400, 100)}, 50));
  CHECK(end.earliest_s == doctest::Approx(4 + 2 + 1));
  CHECK(end.latest_s == doctest::Approx(4 + 2 + 1));
  CHECK(end.text == "in about 7.0 s: passes shrink 2.0x");
}

TEST_CASE("what rates and passes say differently is uncertain") {
  EndEstimate end =
      estimate_end(model(400, {check(2, 800, 100), check(3, 400, 100)}, 25));
  REQUIRE(end.earliest_s);
  REQUIRE(end.latest_s);
  CHECK(*end.earliest_s == doctest::Approx(5));
  CHECK(*end.latest_s == doctest::Approx(7));
  CHECK(end.text == "in 5.0 s to 7.0 s: passes shrink 2.0x to 4.0x");
}

TEST_CASE("passes that do not shrink have no end") {
  EndEstimate end =
      estimate_end(model(900, {check(2, 900, 100), check(3, 900, 100)}, 100));
  CHECK_FALSE(end.earliest_s);
  CHECK_FALSE(end.latest_s);
  CHECK(end.text == "not as it goes: passes shrink 1.0x, and one leaves 9.0x "
                    "what is allowed");
}

TEST_CASE("perhaps never") {
  EndEstimate end =
      estimate_end(model(400, {check(2, 800, 100), check(3, 400, 100)}, 200));
  CHECK(end.earliest_s);
  CHECK_FALSE(end.latest_s);
  CHECK(end.text ==
        "in 7.0 s at the earliest, if at all: passes shrink 0.5x to 2.0x");
}

TEST_CASE("the first pass says how long it takes itself") {
  PassCheck first;
  first.pass = 1;
  first.pending_bytes = 1000 * kMib;
  EndEstimate end = estimate_end(model(500, {first}));
  CHECK(end.earliest_s == doctest::Approx(5));
  CHECK_FALSE(end.latest_s);
}

TEST_CASE("postcopy is what is left at the bandwidth") {
  LiveModel running = model(300, {});
  running.status = MigrationStatus::postcopy_active;
  CHECK(estimate_end(running).latest_s == doctest::Approx(3));
}

TEST_CASE("nothing is told of what nothing is known of") {
  CHECK(estimate_end({}).text.empty());
  LiveModel still = model(100, {check(2, 100, 0)});
  still.sent = 0;
  CHECK(estimate_end(still).text == "unknown: no bandwidth was measured yet");
  LiveModel setup;
  setup.status = MigrationStatus::setup;
  CHECK(estimate_end(setup).text.empty());
}
