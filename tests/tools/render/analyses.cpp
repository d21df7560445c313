#include "tests/tools/render/analyses.h"

#include <limits>

namespace migscope::testing {

using namespace analyzer;

namespace {

Ram known_ram() {
  Ram out;
  out.blocks = {{"pc.ram", 128u << 20, 32768, 1000, 1200, 200, 20, 4104}};
  out.totals = {300, 800, 60, 40, 5000, 3'900'000, 1000, 200, 3, 15};
  out.qemu = {800, 300, 4'000'000, 3};
  return out;
}

PageReport known_pages() {
  PageReport out;
  out.sent_pages = 1000;
  out.never_sent_pages = 31768;
  out.zero_pages = 250;
  out.send_counts = {{1, 1, 900}, {2, 2, 80}, {17, 32, 20}};
  out.hot_regions = {
      {4096,
       {{"pc.ram", 0x201000, 0x201000, 40960, 300, 90, 10, 10, 10}},
       3,
       110},
      {2u << 20,
       {{"pc.ram", 0x200000, 0x200000, 2u << 20, 600, 100, 60, 20, 10}},
       0,
       100}};
  out.contents = Contents{700, 600, 0};
  out.working_sets = {{1, 3, 50.5, 80, 75.0}, {2, 2, 70, 90, {}}};
  out.resending_rounds = 3;
  out.always_resent_pages = 20;
  StopCopyPages& pause = out.stop_copy.emplace();
  pause.first_time_pages = 5;
  pause.last_sent = {{1, 4}, {2, 11}};
  pause.send_counts = {{1, 1, 5}, {2, 2, 15}};
  pause.regions = {{"pc.ram", 0x200000, 0x200000, 2u << 20, 20, 4104, 0.75}};
  OwnerRanking& owners = out.owners.emplace_back();
  owners.column = "owner";
  owners.owners = {{"postgres", 500, 150, 50, 15, 4000}};
  owners.unowned = {"", 10, 0, 0, 0, 0};
  return out;
}

HeatMap known_heat() {
  HeatMap out;
  out.unit_bytes = 256u << 10;
  out.columns = {{1, 1, false}, {2, 2, true}};
  out.bins = {{"pc.ram", 0, 0, 256u << 10, {{"postgres", 60, 9}}}};
  out.cells = {{0, 0, 64, 0}, {1, 0, 9, 9}};
  return out;
}

TimeSeries known_series() {
  using qmp::MigrationStatus;
  TimeSeries out;
  for (int i = 0; i < 10; ++i)
    out.samples.push_back({i * 50.0, MigrationStatus::active,
                           (32u << 20) - static_cast<uint64_t>(i) * 1'000'000,
                           static_cast<uint64_t>(i) * 1'000'000, 200.5, 5e6,
                           300, 20});
  out.passes = {{2, 92.75}};
  out.statuses = {{MigrationStatus::active, 1.5},
                  {MigrationStatus::completed, 690}};
  out.limits = {{0.5, 50, 64u << 20}};
  out.stop_ms = 640;
  out.resume_ms = 685.7;
  return out;
}

Round known_round(uint64_t number, Boundary boundary) {
  Round out;
  out.number = number;
  out.boundary = boundary;
  out.pages = 600;
  out.zero_pages = 150;
  out.resent_pages = 100;
  out.bytes = 2'000'000;
  out.first_offset = 0x400;
  out.start_ms = 12.5;
  out.duration_ms = 80.25;
  out.same_content_pages = 12;
  out.dirty_bytes_per_second = 5e6;
  out.remaining_bytes = 1u << 20;
  out.expected_downtime_ms = 300;
  out.throttle_percent = 20;
  out.transferred_bytes = 2'100'000;
  Flow& flow = out.flow.emplace();
  flow.limited_by = LimitedBy::max_bandwidth;
  flow.duration_ms = 80.25;
  flow.blocked_ms = 10.5;
  flow.stalled_ms = 0;
  flow.idle_ms = 60;
  flow.bytes_per_second = 25 << 20;
  flow.source_cpu = 0.42;
  return out;
}

PassCheck known_pass(uint64_t number, Verdict verdict) {
  PassCheck out;
  out.pass = number;
  out.verdict = verdict;
  out.pending_bytes = 32u << 20;
  out.sample_delay_ms = 1.5;
  out.bandwidth = 64.0 * (1 << 20);
  out.at_max_bandwidth = true;
  out.downtime_limit_ms = 50;
  out.allowed_bytes = 3'355'443;
  out.needed_limit_ms = 501;
  out.expected_downtime_ms = 500;
  out.throttle_percent = 20;
  out.traced = TracedPass{0.25, 1028, 32u << 20, 3'355'443, 30u << 20};
  return out;
}

} // namespace

Analysis known_analysis() {
  Analysis out;
  out.input = {"run.migscope",
               "session",
               1,
               4'000'000,
               true,
               {{Severity::warning, "channel-0.zst", 0x1234, "odd"}}};
  out.vm = {"pc-i440fx-10.0",
            "10.0.2 (Debian 1:10.0.2)",
            "11.1.3 (Debian 1:11.1.3)",
            4096,
            {"events", "xbzrle"}};
  out.outcome = {"completed", "", "precopy", 700, 3, 5000, 4, 0};
  out.ram = known_ram();
  out.pages = known_pages();
  out.heat_map = known_heat();
  out.time_series = known_series();
  out.rounds = {known_round(1, Boundary::exact),
                known_round(2, Boundary::event)};
  out.passes = {known_pass(1, Verdict::too_much),
                known_pass(2, Verdict::switched)};
  out.stop_and_copy =
      StopAndCopy{20,
                  5,
                  61'000,
                  30'000,
                  {{"cpu", 0, 12, 30'000, 0x5000, true, 24, 1.5, 0.5, 0.75}}};
  out.downtime = {
      45.7,
      21,
      1.5,
      0,
      {{"final sync", 0, 3.2, "STOP event"},
       {"last RAM", 3.2, 20, "tee"},
       {"device state", 23.2, 1, "tee"},
       {"destination", 24.2, 20, "RESUME event", Side::destination}},
      "QEMU's 21 ms end early",
      GuestPause{45.2, 0.25, {}, {}},
      ""};
  out.clocks.source = HostClock{false, 6999.5,      7000.75,      "STOP", 90,
                                110,   "STOP: low", "STOP: high", ""};
  out.clocks.destination =
      HostClock{true, 0, 0, "RESUME", {}, {}, "ours", "ours", ""};
  out.expected_downtime = ExpectedDowntime{
      25, false, false, 24.5, 45.7, 20, {{"destination", 24.2, 20, ""}},
      2,  4096,  1e9};
  out.missed_minimum =
      MissedMinimum{1, 5'000'000, 40, 25.7, 5.7, 1000, Trough{1, 4096, 8192}};
  out.findings = {{"rounds", Severity::warning, "2: rounds could not shrink",
                   "pages of the stream by round"},
                  {"counters", Severity::info, "QEMU counted 800", "stream"}};
  return out;
}

PageRequests known_requests() {
  Latencies waits{5, 1.5, 40, 40, 40, {0, 4, 1}};
  return {9, 8,   2,     1,    1,     "cut",
          6, 100, 4'000, 70.5, waits, {{"preempt", waits}}};
}

Analysis hostile_analysis(const std::string& name) {
  constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
  constexpr double huge = std::numeric_limits<double>::max();
  Analysis out = known_analysis();
  out.input.path = out.input.kind = name;
  out.input.bytes = most;
  out.input.complete = false;
  out.input.problems.assign(100, {Severity::error, name, most, name});
  out.vm = {name, name, name, 4096, {name}};
  out.outcome = {name, name, name, huge, huge, {}, {}, {}};
  out.ram->blocks.assign(3, {name, most, most, most, most, most, most, most});
  out.pages->send_counts.assign(100, {most, most, most});
  out.pages->hot_regions.assign(
      3, {2u << 20,
          std::vector<HotRegion>(
              100, {name, most, most, most, most, most, most, most, most}),
          most, most});
  out.pages->working_sets.assign(100, {most, most, huge, most, huge});
  out.pages->owners.assign(
      3, {name,
          std::vector<OwnerCost>(100, {name, most, most, most, most, most}),
          {},
          most,
          {name, most, most, most, most, most}});
  out.pages->stop_copy->regions.assign(
      100, {name, most, most, most, most, most, huge});
  Round round = out.rounds[0];
  round.number = most;
  round.pages = round.zero_pages = round.resent_pages = round.bytes = most;
  round.remaining_bytes = most;
  round.start_ms = round.duration_ms = huge;
  Flow& flow = round.flow.emplace();
  flow.duration_ms = huge;
  flow.blocked_ms = flow.stalled_ms = flow.idle_ms = huge;
  flow.bytes_per_second = flow.source_cpu = huge;
  out.flow = out.pause_flow = flow;
  out.rounds.assign(1000, round);
  PassCheck pass = out.passes[0];
  pass.pass = most;
  pass.pending_bytes = pass.allowed_bytes = most;
  pass.bandwidth = pass.sample_delay_ms = huge;
  pass.downtime_limit_ms = pass.needed_limit_ms = pass.throttle_percent = most;
  pass.traced = TracedPass{huge, most, most, most, most};
  out.passes.assign(1000, pass);
  out.stop_and_copy->device_bytes = most;
  out.stop_and_copy->devices.assign(
      100, {name, 7, 7, most, most, false, huge, huge, huge, huge});
  out.downtime.total_ms = out.downtime.qemu_ms = huge;
  out.downtime.unexplained_ms = huge;
  out.downtime.guest = {-huge, huge, {}, {}};
  out.downtime.phases.assign(9, {name, -huge, huge, name});
  out.clocks.source->offset_low_ms = -1e12; // as far as a clock can be off
  out.clocks.source->offset_high_ms = 1e12;
  out.findings.assign(9, {name, Severity::error, name, name});
  out.findings.push_back({"rounds", Severity::error, name, name});
  return out;
}

} // namespace migscope::testing
