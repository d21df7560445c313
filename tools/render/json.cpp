#include "tools/render/json.h"

#include "analyzer/switchover.h"
#include "tools/render/heat_json.h"
#include "tools/render/json_parts.h"
#include "tools/render/pages_json.h"
#include "tools/render/service.h"
#include "tools/render/time_series_json.h"
#include "tools/render/what_if.h"

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

// Names come from the input as they are.
Json text(const std::string& value) {
  return Json::text(value);
}

Json text(const std::optional<std::string>& value) {
  return value ? text(*value) : Json();
}

Json text_list(const std::vector<std::string>& items) {
  return list(items, [](const std::string& item) { return text(item); });
}

Json numbers(const std::vector<uint64_t>& items) {
  Json out = Json::array();
  for (uint64_t item : items)
    out.add(item);
  return out;
}

Json vm(const Vm& value) {
  return Json::object()
      .set("machine", text(value.machine))
      .set("qemu", text(value.qemu))
      .set("destination_qemu", text(value.destination_qemu))
      .set("page_size", value.page_size)
      .set("capabilities", text_list(value.capabilities));
}

Json outcome(const OutcomeInfo& value) {
  return Json::object()
      .set("status", text(value.status))
      .set("detail", text(value.detail))
      .set("mode", text(value.mode))
      .set("total_ms", value.total_ms)
      .set("setup_ms", value.setup_ms)
      .set("transferred_bytes", value.transferred_bytes)
      .set("dirty_syncs", value.dirty_syncs)
      .set("page_requests", value.page_requests);
}

Json block(const BlockTotals& value) {
  return Json::object()
      .set("name", text(value.name))
      .set("bytes", value.bytes)
      .set("pages", value.pages)
      .set("unique_pages", value.unique_pages)
      .set("sent_pages", value.sent_pages)
      .set("resent_pages", value.resent_pages)
      .set("stop_copy_pages", value.stop_copy_pages)
      .set("stop_copy_bytes", value.stop_copy_bytes);
}

Json totals(const RamTotals& value) {
  return Json::object()
      .set("zero", value.zero)
      .set("normal", value.normal)
      .set("xbzrle", value.xbzrle)
      .set("compressed", value.compressed)
      .set("xbzrle_bytes", value.xbzrle_bytes)
      .set("bytes", value.bytes)
      .set("unique_pages", value.unique_pages)
      .set("resent_pages", value.resent_pages)
      .set("max_sends", value.max_sends)
      .set("same_content_resends", value.same_content_resends);
}

Json ram(const std::optional<Ram>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("blocks", list(value->blocks, block))
      .set("totals", totals(value->totals))
      .set("qemu", Json::object()
                       .set("normal", value->qemu.normal)
                       .set("duplicate", value->qemu.duplicate)
                       .set("transferred", value->qemu.transferred)
                       .set("dirty_sync_count", value->qemu.dirty_sync_count));
}

Json flow(const std::optional<Flow>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("limited_by", to_string(value->limited_by))
      .set("duration_ms", value->duration_ms)
      .set("blocked_ms", value->blocked_ms)
      .set("stalled_ms", value->stalled_ms)
      .set("idle_ms", value->idle_ms)
      .set("working_ms", value->working_ms)
      .set("bytes", value->bytes)
      .set("bytes_per_second", value->bytes_per_second)
      .set("max_bandwidth", value->max_bandwidth)
      .set("receiver_limited_ms", value->receiver_limited_ms)
      .set("retransmits", value->retransmits)
      .set("rtt_ms", value->rtt_ms)
      .set("source_cpu", value->source_cpu)
      .set("source_cpu_queued", value->source_cpu_queued)
      .set("destination_cpu", value->destination_cpu)
      .set("destination_cpu_queued", value->destination_cpu_queued);
}

Json round(const Round& value) {
  return Json::object()
      .set("number", value.number)
      .set("boundary", to_string(value.boundary))
      .set("pages", value.pages)
      .set("zero_pages", value.zero_pages)
      .set("resent_pages", value.resent_pages)
      .set("same_content_pages", value.same_content_pages)
      .set("bytes", value.bytes)
      .set("first_offset", value.first_offset)
      .set("start_ms", value.start_ms)
      .set("duration_ms", value.duration_ms)
      .set("dirty_bytes_per_second", value.dirty_bytes_per_second)
      .set("remaining_bytes", value.remaining_bytes)
      .set("expected_downtime_ms", value.expected_downtime_ms)
      .set("throttle_percent", value.throttle_percent)
      .set("sync_ms", value.sync_ms)
      .set("dirty_pages", value.dirty_pages)
      .set("transferred_bytes", value.transferred_bytes)
      .set("flow", flow(value.flow));
}

Json traced(const std::optional<TracedPass>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("sync_ms", value->sync_ms)
      .set("dirty_pages", value->dirty_pages)
      .set("pending_bytes", value->pending_bytes)
      .set("allowed_bytes", value->allowed_bytes)
      .set("sampled_bytes", value->sampled_bytes);
}

Json pass(const PassCheck& value) {
  return Json::object()
      .set("pass", value.pass)
      .set("verdict", to_string(value.verdict))
      .set("text", text(describe(value)))
      .set("pending_bytes", value.pending_bytes)
      .set("sample_delay_ms", value.sample_delay_ms)
      .set("after_sync", is_after_sync(value))
      .set("bandwidth_bytes_per_s", value.bandwidth)
      .set("bandwidth_is_set", value.bandwidth_is_set)
      .set("at_max_bandwidth", value.at_max_bandwidth)
      .set("downtime_limit_ms", value.downtime_limit_ms)
      .set("allowed_bytes", value.allowed_bytes)
      .set("needed_limit_ms", value.needed_limit_ms)
      .set("expected_downtime_ms", value.expected_downtime_ms)
      .set("throttle_percent", value.throttle_percent)
      .set("traced", traced(value.traced));
}

Json device(const DeviceState& value) {
  return Json::object()
      .set("name", text(value.name))
      .set("instance_id", value.instance_id)
      .set("version", value.version)
      .set("bytes", value.bytes)
      .set("offset", value.offset)
      .set("in_pause", value.in_pause)
      .set("arrived_ms", value.arrived_ms)
      .set("resolution_ms", value.resolution_ms)
      .set("save_ms", value.save_ms)
      .set("load_ms", value.load_ms);
}

Json stop_and_copy(const std::optional<StopAndCopy>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("ram", Json::object()
                      .set("pages", value->pages)
                      .set("zero_pages", value->zero_pages)
                      .set("bytes", value->bytes))
      .set("device_bytes", value->device_bytes)
      .set("devices", list(value->devices, device));
}

Json iterable(const IterableState& value) {
  return Json::object()
      .set("name", text(value.name))
      .set("instance_id", value.instance_id)
      .set("sections", value.sections)
      .set("bytes", value.bytes);
}

Json latency(const Latencies& value) {
  return Json::object()
      .set("count", value.count)
      .set("p50_ms", value.p50_ms)
      .set("p90_ms", value.p90_ms)
      .set("p99_ms", value.p99_ms)
      .set("max_ms", value.max_ms)
      .set("buckets", numbers(value.buckets));
}

Json blocktime(const std::optional<qmp::PostcopyBlocktime>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("all_ms", value->all_ms)
      .set("vcpu_ms", numbers(value->vcpu_ms))
      .set("latency_ns", value->latency_ns)
      .set("vcpu_latency_ns", numbers(value->vcpu_latency_ns))
      .set("non_vcpu_latency_ns", value->non_vcpu_latency_ns)
      .set("latency_buckets", numbers(value->latency_buckets));
}

Json postcopy(const std::optional<PageRequests>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("requests", value->requests)
      .set("answered", value->answered)
      .set("median_ms", value->latencies.p50_ms)
      .set("max_ms", value->latencies.max_ms)
      .set("repeated", value->repeated)
      .set("in_flight", value->in_flight)
      .set("unanswered", value->unanswered)
      .set("unanswered_reason", text(value->unanswered_reason))
      .set("pages_asked", value->pages_asked)
      .set("pages_unasked", value->pages_unasked)
      .set("unasked_bytes", value->unasked_bytes)
      .set("last_page_ms", value->last_page_ms)
      .set("latencies", latency(value->latencies))
      .set("by_channel", list(value->by_channel, [](const ChannelLatencies& c) {
             return latency(c.latencies).set("channel", c.channel);
           }));
}

Json phase(const Phase& value) {
  return Json::object()
      .set("name", text(value.name))
      .set("start_ms", value.start_ms)
      .set("duration_ms", value.duration_ms)
      .set("side", to_string(value.side))
      .set("evidence", text(value.evidence));
}

Json downtime(const Downtime& value) {
  std::optional<double> guest_ms, guest_error_ms;
  if (value.guest) {
    guest_ms = value.guest->ms;
    guest_error_ms = value.guest->error_ms;
  }
  return Json::object()
      .set("total_ms", value.total_ms)
      .set("qemu_ms", value.qemu_ms)
      .set("unexplained_ms", value.unexplained_ms)
      .set("clock_error_ms", value.clock_error_ms)
      .set("guest_ms", guest_ms)
      .set("guest_error_ms", guest_error_ms)
      .set("phases", list(value.phases, phase));
}

Json clock(const std::optional<HostClock>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("local", value->local)
      .set("at", text(value->at))
      .set("offset_low_ms", value->offset_low_ms)
      .set("offset_high_ms", value->offset_high_ms)
      .set("drift_low_ppm", value->drift_low_ppm)
      .set("drift_high_ppm", value->drift_high_ppm)
      .set("low_evidence", text(value->low_evidence))
      .set("high_evidence", text(value->high_evidence))
      .set("contradiction", text(value->contradiction));
}

Json expected(const std::optional<ExpectedDowntime>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("qemu_ms", value->qemu_ms)
      .set("qemu_is_limit", value->qemu_is_limit)
      .set("qemu_is_old", value->qemu_is_old)
      .set("computed_ms", value->computed_ms)
      .set("actual_ms", value->actual_ms)
      .set("last_ram_ms", value->last_ram_ms)
      .set("uncounted", list(value->uncounted, phase))
      .set("waited_ms", value->waited_ms)
      .set("dirtied_after_bytes", value->dirtied_after_bytes)
      .set("pause_bandwidth_bytes_per_s", value->pause_bandwidth);
}

Json trough(const std::optional<Trough>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("pass", value->pass)
      .set("remaining_bytes", value->remaining_bytes)
      .set("next_pending_bytes", value->next_pending_bytes);
}

Json minimum(const std::optional<MissedMinimum>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("pass", value->pass)
      .set("pending_bytes", value->pending_bytes)
      .set("pause_ms", value->pause_ms)
      .set("fixed_ms", value->fixed_ms)
      .set("regret_ms", value->regret_ms)
      .set("regret_bytes", value->regret_bytes)
      .set("trough", trough(value->trough));
}

Json finding(const Finding& value) {
  return Json::object()
      .set("id", text(value.id))
      .set("severity", to_string(value.severity))
      .set("text", text(value.text))
      .set("evidence", text(value.evidence));
}

} // namespace

Json render_json(const Analysis& analysis) {
  return Json::object()
      .set("schema", "migscope/analysis-1")
      .set("input", input_json(analysis.input))
      .set("vm", vm(analysis.vm))
      .set("outcome", outcome(analysis.outcome))
      .set("ram", ram(analysis.ram))
      .set("pages", analysis.pages ? pages_json(*analysis.pages) : Json())
      .set("heat_map",
           analysis.heat_map ? heat_map_json(*analysis.heat_map) : Json())
      .set("rounds", list(analysis.rounds, round))
      .set("rounds_are_lower_bound", analysis.rounds_are_lower_bound)
      .set("passes", list(analysis.passes, pass))
      .set("time_series", time_series_json(analysis.time_series))
      .set("iterables", list(analysis.iterables, iterable))
      .set("stop_and_copy", stop_and_copy(analysis.stop_and_copy))
      .set("postcopy", postcopy(analysis.postcopy))
      .set("postcopy_blocktime", blocktime(analysis.blocktime))
      .set("downtime", downtime(analysis.downtime))
      .set("clocks",
           Json::object()
               .set("source", clock(analysis.clocks.source))
               .set("destination", clock(analysis.clocks.destination)))
      .set("expected_downtime", expected(analysis.expected_downtime))
      .set("missed_minimum", minimum(analysis.missed_minimum))
      .set("flow", flow(analysis.flow))
      .set("pause_flow", flow(analysis.pause_flow))
      .set("service", service_json(analysis.service))
      .set("what_if", what_if_json(analysis.what_if))
      .set("findings", list(analysis.findings, finding));
}

} // namespace migscope::tools
