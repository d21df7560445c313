#include "tools/render/json_parts.h"
#include "tools/render/traffic.h"

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

template <typename T, typename Render>
Json or_null(const std::optional<T>& value, Render render) {
  return value ? render(*value) : Json();
}

Json loss(const TrafficLoss& value) {
  constexpr const char* kNames[] = {"tcp sequence numbers",
                                    "rtp sequence numbers", "icmp echo"};
  return Json::object()
      .set("known_by", kNames[static_cast<size_t>(value.known_by)])
      .set("lost", value.lost)
      .set("of", value.of)
      .set("percent", value.percent);
}

Json delay(const TrafficDelay& value) {
  return Json::object()
      .set("known_by", value.known_by == DelayEvidence::tcp_ack
                           ? "tcp acknowledgements"
                           : "icmp echo")
      .set("measured", value.measured)
      .set("sampled", value.sampled)
      .set("min_ms", value.min_ms)
      .set("median_ms", value.median_ms)
      .set("p99_ms", value.p99_ms)
      .set("max_ms", value.max_ms);
}

Json jitter(const TrafficJitter& value) {
  return Json::object()
      .set("of", value.of_transit ? "rtp transit" : "delay")
      .set("rfc3550_mean_ms", value.rfc3550_mean_ms)
      .set("rfc3550_max_ms", value.rfc3550_max_ms)
      .set("mean_difference_ms", value.mean_difference_ms);
}

Json split(const SilenceSplit& value) {
  return Json::object()
      .set("before_ms", value.before_ms)
      .set("pause_ms", value.pause_ms)
      .set("recovery_ms", value.recovery_ms);
}

Json silence(const Silence& value) {
  return Json::object()
      .set("start_ms", value.start_ms)
      .set("silent_ms", value.silent_ms)
      .set("pause", or_null(value.split, split));
}

Json gaps(const TrafficDirection& value) {
  return Json::object()
      .set("median_ms", value.median_gap_ms)
      .set("sampled", value.gaps_sampled)
      .set("longest", or_null(value.longest, silence))
      .set("silences",
           or_null(value.silences,
                   [](const auto& all) { return list(all, silence); }))
      .set("silences_cut", value.silences_cut);
}

Json tcp(const TcpFigures& value) {
  return Json::object()
      .set("segments", value.segments)
      .set("retransmitted", value.retransmitted)
      .set("missing_bytes", value.missing_bytes)
      .set("not_captured_bytes", value.not_captured_bytes)
      .set("keep_alives", value.keep_alives)
      .set("strange", value.strange);
}

Json rtp(const RtpFigures& value) {
  return Json::object()
      .set("ssrc", value.ssrc)
      .set("payload_types",
           list(value.payload_types,
                [](uint8_t type) { return Json::of(unsigned{type}); }))
      .set("clock_hz", value.clock_hz)
      .set("restarts", value.restarts)
      .set("strange", value.strange)
      .set("other_clock", value.other_clock);
}

Json echo(const EchoFigures& value) {
  return Json::object()
      .set("requests", value.requests)
      .set("answered", value.answered)
      .set("open", value.open);
}

Json direction(const TrafficDirection& value) {
  return Json::object()
      .set("from", value.from)
      .set("to", value.to)
      .set("packets", value.packets)
      .set("bytes", value.bytes)
      .set("start_ms", value.start_ms)
      .set("duration_ms", value.duration_ms)
      .set("throughput_bits_per_second", value.throughput)
      .set("loss", or_null(value.loss, loss))
      .set("reordered", value.reordered)
      .set("duplicates", value.duplicates)
      .set("delay", or_null(value.delay, delay))
      .set("jitter", or_null(value.jitter, jitter))
      .set("gaps", gaps(value))
      .set("tcp", or_null(value.tcp, tcp))
      .set("rtp", or_null(value.rtp, rtp))
      .set("echo", or_null(value.echo, echo));
}

Json flow(const TrafficFlow& value) {
  return Json::object()
      .set("protocol", value.protocol)
      .set("id", value.id)
      .set("bytes", value.bytes)
      .set("directions", list(value.directions, direction));
}

Json problem(const Problem& value) {
  return Json::object()
      .set("severity", to_string(value.severity))
      .set("message", Json::text(value.message));
}

Json pause(const TrafficPause& value) {
  return Json::object()
      .set("stop_ms", value.stop_ms)
      .set("resume_ms", value.resume_ms)
      .set("clock_error_ms", value.clock_error_ms);
}

Json in_no_flow(const TrafficReport& value) {
  return Json::object()
      .set("not_ip", value.not_ip)
      .set("damaged", value.damaged)
      .set("cut", value.cut)
      .set("later_fragments", value.later_fragments)
      .set("later_fragment_bytes", value.later_fragment_bytes);
}

Json untold(const UntoldFlows& value) {
  return Json::object()
      .set("flows", value.flows)
      .set("at_least", value.at_least)
      .set("packets", value.packets)
      .set("bytes", value.bytes);
}

Json silence_rule() {
  return Json::object()
      .set("median_gaps", kSilenceMedians)
      .set("least_ms", kSilenceMs)
      .set("least_gaps", kPaceGaps)
      .set("one_gap_in", kPaceShare);
}

} // namespace

Json render_json(const TrafficReport& report) {
  // Microseconds, as every JSON reader keeps them as they are.
  std::optional<int64_t> start_us;
  if (report.start)
    start_us = report.start->ns / 1000;
  return Json::object()
      .set("schema", "migscope/traffic-1")
      .set("file", Json::text(report.file))
      .set("filter", Json::text(report.filter))
      .set("complete", report.complete)
      .set("problems", list(report.problems, problem))
      .set("packets", report.packets)
      .set("without_time", report.without_time)
      .set("start_wall_us", start_us)
      .set("duration_ms", report.duration_ms)
      .set("in_no_flow", in_no_flow(report))
      .set("first_fragments", report.first_fragments)
      .set("rtp_clock_hz", report.rtp_clock)
      .set("pause", or_null(report.pause, pause))
      .set("silence_rule", silence_rule())
      .set("flows", list(report.flows, flow))
      .set("flows_not_followed", untold(report.untold));
}

} // namespace migscope::tools
