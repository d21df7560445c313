#include "tools/render/json.h"

#include "tests/tools/render/analyses.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::hostile_analysis;
using migscope::testing::known_analysis;
using migscope::testing::known_requests;
using migscope::tools::render_json;
using qmp::Json;
using Keys = std::vector<std::string>;

namespace {

Json first(const Json& list) {
  auto elements = list.elements();
  REQUIRE(!elements.empty());
  return elements[0];
}

} // namespace

// docs: "keys that other programs may rely on".
TEST_CASE("the documented keys are there, and no others") {
  Json out = render_json(known_analysis());
  CHECK(out.get("schema").as_string() == "migscope/analysis-1");
  CHECK(out.keys() ==
        Keys{"schema",         "input",       "vm",
             "outcome",        "ram",         "pages",
             "heat_map",       "rounds",      "rounds_are_lower_bound",
             "passes",         "time_series", "iterables",
             "stop_and_copy",  "postcopy",    "postcopy_blocktime",
             "downtime",       "clocks",      "expected_downtime",
             "missed_minimum", "flow",        "pause_flow",
             "service",        "what_if",     "findings"});
  CHECK(out.get("input").keys() ==
        Keys{"path", "kind", "channels", "bytes", "complete", "problems"});
  CHECK(first(out.get("input").get("problems")).keys() ==
        Keys{"severity", "channel", "offset", "message"});
  CHECK(out.get("vm").keys() == Keys{"machine", "qemu", "destination_qemu",
                                     "page_size", "capabilities"});
  CHECK(out.get("outcome").keys() ==
        Keys{"status", "detail", "mode", "total_ms", "setup_ms",
             "transferred_bytes", "dirty_syncs", "page_requests"});
  CHECK(out.get("ram").keys() == Keys{"blocks", "totals", "qemu"});
  CHECK(first(out.get("ram").get("blocks")).keys() ==
        Keys{"name", "bytes", "pages", "unique_pages", "sent_pages",
             "resent_pages", "stop_copy_pages", "stop_copy_bytes"});
  CHECK(out.get("ram").get("totals").keys() ==
        Keys{"zero", "normal", "xbzrle", "compressed", "xbzrle_bytes", "bytes",
             "unique_pages", "resent_pages", "max_sends",
             "same_content_resends"});
  Json pages = out.get("pages");
  CHECK(pages.keys() == Keys{"sent_pages", "never_sent_pages", "zero_pages",
                             "send_counts", "hot_regions", "contents",
                             "working_sets", "resending_rounds",
                             "always_resent_pages", "stop_copy", "owners"});
  CHECK(first(pages.get("owners")).keys() ==
        Keys{"column", "owners", "more_owners", "more", "unowned"});
  CHECK(first(pages.get("owners")).get("unowned").keys() ==
        Keys{"name", "pages", "resent_pages", "hot_pages", "stop_copy_pages",
             "stop_copy_bytes"});
  CHECK(first(pages.get("send_counts")).keys() == Keys{"from", "to", "pages"});
  CHECK(first(pages.get("hot_regions")).keys() ==
        Keys{"unit_bytes", "regions", "more_regions", "more_resent_pages"});
  CHECK(first(first(pages.get("hot_regions")).get("regions")).keys() ==
        Keys{"block", "address", "guest_address", "bytes", "sent_pages",
             "resent_pages", "hot_pages", "stop_copy_pages",
             "stop_copy_resent_pages"});
  CHECK(pages.get("contents").keys() ==
        Keys{"pages", "distinct", "distinct_error"});
  CHECK(first(pages.get("working_sets")).keys() ==
        Keys{"rounds", "windows", "mean_pages", "max_pages", "mean_ms"});
  CHECK(pages.get("stop_copy").keys() ==
        Keys{"first_time_pages", "last_sent", "send_counts", "regions",
             "more_regions", "more_wire_bytes"});
  CHECK(first(pages.get("stop_copy").get("last_sent")).keys() ==
        Keys{"round", "pages"});
  CHECK(first(pages.get("stop_copy").get("regions")).keys() ==
        Keys{"block", "address", "guest_address", "bytes", "pages",
             "wire_bytes", "ms"});
  CHECK(out.get("ram").get("qemu").keys() ==
        Keys{"normal", "duplicate", "transferred", "dirty_sync_count"});
  CHECK(first(out.get("rounds")).keys() ==
        Keys{"number", "boundary", "pages", "zero_pages", "resent_pages",
             "same_content_pages", "bytes", "first_offset", "start_ms",
             "duration_ms", "dirty_bytes_per_second", "remaining_bytes",
             "expected_downtime_ms", "throttle_percent", "sync_ms",
             "dirty_pages", "transferred_bytes", "flow"});
  CHECK(out.get("flow").is_null());
  CHECK(first(out.get("rounds")).get("flow").keys() ==
        Keys{"limited_by", "duration_ms", "blocked_ms", "stalled_ms", "idle_ms",
             "working_ms", "bytes", "bytes_per_second", "max_bandwidth",
             "receiver_limited_ms", "retransmits", "rtt_ms", "source_cpu",
             "source_cpu_queued", "destination_cpu", "destination_cpu_queued"});
  CHECK(out.get("stop_and_copy").keys() ==
        Keys{"ram", "device_bytes", "devices"});
  CHECK(out.get("stop_and_copy").get("ram").keys() ==
        Keys{"pages", "zero_pages", "bytes"});
  CHECK(first(out.get("stop_and_copy").get("devices")).keys() ==
        Keys{"name", "instance_id", "version", "bytes", "offset", "in_pause",
             "arrived_ms", "resolution_ms", "save_ms", "load_ms"});
  CHECK(out.get("downtime").keys() ==
        Keys{"total_ms", "qemu_ms", "unexplained_ms", "clock_error_ms",
             "guest_ms", "guest_error_ms", "phases"});
  CHECK(first(out.get("downtime").get("phases")).keys() ==
        Keys{"name", "start_ms", "duration_ms", "side", "evidence"});
  Json heat = out.get("heat_map");
  CHECK(heat.keys() ==
        Keys{"unit_bytes", "columns", "stretches", "runs", "owners"});
  CHECK(first(heat.get("columns")).dump() ==
        R"({"first_round":1,"last_round":1,"pause":false})");
  CHECK(first(heat.get("stretches")).dump() ==
        R"({"first_bin":0,"bins":1,"block":"pc.ram","address":0,)"
        R"("guest_address":0,"bytes":262144})");
  CHECK(heat.get("runs").dump() == "[[0,0,1,64,0],[1,0,1,9,9]]");
  CHECK(heat.get("owners").dump() ==
        R"([{"bin":0,"name":"postgres","pages":60,"resent_pages":9}])");
  Json series = out.get("time_series");
  CHECK(series.keys() == Keys{"samples", "passes", "statuses", "limits",
                              "stop_ms", "resume_ms"});
  CHECK(first(series.get("samples")).keys() ==
        Keys{"t_ms", "status", "remaining_bytes", "transferred_bytes", "mbps",
             "dirty_bytes_per_second", "expected_downtime_ms",
             "throttle_percent"});
  CHECK(first(series.get("passes")).dump() == R"({"pass":2,"t_ms":92.75})");
  CHECK(first(series.get("statuses")).dump() ==
        R"({"status":"active","t_ms":1.5})");
  CHECK(first(series.get("limits")).keys() ==
        Keys{"t_ms", "downtime_limit_ms", "max_bandwidth"});
  CHECK(out.get("clocks").keys() == Keys{"source", "destination"});
  CHECK(out.get("clocks").get("source").keys() ==
        Keys{"local", "at", "offset_low_ms", "offset_high_ms", "drift_low_ppm",
             "drift_high_ppm", "low_evidence", "high_evidence",
             "contradiction"});
  CHECK(first(out.get("passes")).keys() ==
        Keys{"pass", "verdict", "text", "pending_bytes", "sample_delay_ms",
             "after_sync", "bandwidth_bytes_per_s", "bandwidth_is_set",
             "at_max_bandwidth", "downtime_limit_ms", "allowed_bytes",
             "needed_limit_ms", "expected_downtime_ms", "throttle_percent",
             "traced"});
  CHECK(first(out.get("passes")).get("traced").keys() ==
        Keys{"sync_ms", "dirty_pages", "pending_bytes", "allowed_bytes",
             "sampled_bytes"});
  CHECK(out.get("expected_downtime").keys() ==
        Keys{"qemu_ms", "qemu_is_limit", "qemu_is_old", "computed_ms",
             "actual_ms", "last_ram_ms", "uncounted", "waited_ms",
             "dirtied_after_bytes", "pause_bandwidth_bytes_per_s"});
  CHECK(out.get("missed_minimum").keys() ==
        Keys{"pass", "pending_bytes", "pause_ms", "fixed_ms", "regret_ms",
             "regret_bytes", "trough"});
  CHECK(out.get("missed_minimum").get("trough").keys() ==
        Keys{"pass", "remaining_bytes", "next_pending_bytes"});
  CHECK(first(out.get("findings")).keys() ==
        Keys{"id", "severity", "text", "evidence"});
}

TEST_CASE("each value stands under its own key") {
  Json out = render_json(known_analysis());
  CHECK(out.get("input").get("bytes").as_uint() == 4'000'000);
  CHECK(out.get("input").get("complete").as_bool() == true);
  CHECK(first(out.get("input").get("problems")).get("offset").as_uint() ==
        0x1234);
  CHECK(out.get("vm").get("destination_qemu").as_string() ==
        "11.1.3 (Debian 1:11.1.3)");
  CHECK(out.get("vm").get("capabilities").dump() == R"(["events","xbzrle"])");
  CHECK(out.get("outcome").get("total_ms").as_double() == 700);
  CHECK(out.get("outcome").get("setup_ms").as_double() == 3);
  CHECK(
      out.get("ram").get("totals").dump() ==
      R"({"zero":300,"normal":800,"xbzrle":60,"compressed":40,"xbzrle_bytes":5000,)"
      R"("bytes":3900000,"unique_pages":1000,"resent_pages":200,)"
      R"("max_sends":3,"same_content_resends":15})");
  CHECK(first(out.get("ram").get("blocks")).dump() ==
        R"({"name":"pc.ram","bytes":134217728,"pages":32768,)"
        R"("unique_pages":1000,"sent_pages":1200,"resent_pages":200,)"
        R"("stop_copy_pages":20,"stop_copy_bytes":4104})");
  Json round = out.get("rounds").elements()[1];
  CHECK(round.get("number").as_uint() == 2);
  CHECK(round.get("boundary").as_string() == "event");
  CHECK(round.get("start_ms").as_double() == 12.5);
  CHECK(round.get("duration_ms").as_double() == 80.25);
  CHECK(out.get("stop_and_copy").get("ram").dump() ==
        R"({"pages":20,"zero_pages":5,"bytes":61000})");
  CHECK(out.get("downtime").get("total_ms").as_double() == 45.7);
  CHECK(out.get("downtime").get("unexplained_ms").as_double() == 1.5);
  CHECK(out.get("clocks").get("source").dump() ==
        R"({"local":false,"at":"STOP","offset_low_ms":6999.5,)"
        R"("offset_high_ms":7000.75,"drift_low_ppm":90.0,)"
        R"("drift_high_ppm":110.0,"low_evidence":"STOP: low",)"
        R"("high_evidence":"STOP: high","contradiction":""})");
  CHECK(out.get("clocks").get("destination").get("local").as_bool() == true);
  CHECK(out.get("downtime").get("guest_ms").as_double() == 45.2);
  CHECK(out.get("downtime").get("guest_error_ms").as_double() == 0.25);
  CHECK(first(out.get("findings")).get("severity").as_string() == "warning");
}

TEST_CASE("a postcopy's page requests, and QEMU's blocktime") {
  Analysis analysis = known_analysis();
  CHECK(render_json(analysis).get("postcopy").is_null());
  CHECK(render_json(analysis).get("postcopy_blocktime").is_null());
  analysis.postcopy = known_requests();
  analysis.blocktime = {12, {12, 30}, 250'000, 7, {1, 2}, {0, 3}};
  Json out = render_json(analysis);
  CHECK(out.get("postcopy").dump() ==
        R"({"requests":9,"answered":8,"median_ms":1.5,"max_ms":40.0,)"
        R"("repeated":2,"in_flight":1,"unanswered":1,)"
        R"("unanswered_reason":"cut","pages_asked":6,"pages_unasked":100,)"
        R"("unasked_bytes":4000,"last_page_ms":70.5,)"
        R"("latencies":{"count":5,"p50_ms":1.5,"p90_ms":40.0,"p99_ms":40.0,)"
        R"("max_ms":40.0,"buckets":[0,4,1]},)"
        R"("by_channel":[{"count":5,"p50_ms":1.5,"p90_ms":40.0,"p99_ms":40.0,)"
        R"("max_ms":40.0,"buckets":[0,4,1],"channel":"preempt"}]})");
  CHECK(out.get("postcopy_blocktime").dump() ==
        R"({"all_ms":12,"vcpu_ms":[12,30],"latency_ns":250000,)"
        R"("vcpu_latency_ns":[1,2],"non_vcpu_latency_ns":7,)"
        R"("latency_buckets":[0,3]})");
}

TEST_CASE("what is not known is null, and a list that is empty a list") {
  Json out = render_json({});
  for (const char* key : {"ram", "stop_and_copy"}) {
    CHECK(out.has(key));
    CHECK(out.get(key).is_null());
  }
  for (const char* key : {"total_ms", "qemu_ms", "unexplained_ms",
                          "clock_error_ms", "guest_ms", "guest_error_ms"}) {
    CHECK(out.get("downtime").has(key));
    CHECK(out.get("downtime").get(key).is_null());
  }
  CHECK(out.get("clocks").dump() == R"({"source":null,"destination":null})");
  CHECK(out.get("vm").get("page_size").is_null());
  CHECK(out.get("outcome").get("total_ms").is_null());
  CHECK(out.get("rounds").dump() == "[]");
  CHECK(out.get("findings").dump() == "[]");

  Analysis analysis;
  analysis.rounds.emplace_back();
  Json round = first(render_json(analysis).get("rounds"));
  CHECK(round.has("pages"));
  CHECK(round.get("pages").is_null());
  CHECK(round.get("start_ms").is_null());
}

TEST_CASE("whatever a recording holds, the JSON can be read back") {
  for (const std::string& name :
       {std::string(1000, 'x'), std::string("\x1b[31m\"\\\r\n\0\x7f", 12),
        std::string("\xff\xfe\xc2"), std::string("\xed\xa0\x80")}) {
    auto back = Json::parse(render_json(hostile_analysis(name)).dump_pretty());
    REQUIRE(back);
    CHECK(back->get("rounds").elements().size() == 1000);
    CHECK(first(back->get("ram").get("blocks")).get("bytes").as_uint() ==
          UINT64_MAX);
  }
}
