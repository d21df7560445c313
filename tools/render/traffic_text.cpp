#include "base/counted.h"
#include "tools/render/text.h"
#include "tools/render/text_layout.h"
#include "tools/render/traffic.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kIndent = 2;
constexpr size_t kMostFlows = 40;    // in the table
constexpr size_t kMostDetails = 8;   // flows with all their figures
constexpr size_t kMostSilences = 12; // of each direction

std::string headline(const TrafficReport& report) {
  std::string text = fmt::format("{}: {} in {}", report.file,
                                 counted(report.packets, "packet"),
                                 format_ms(report.duration_ms));
  if (!report.filter.empty())
    text += fmt::format(", filtered by \"{}\"", report.filter);
  text += fmt::format(", {}", counted(report.flows.size(), "flow"));
  if (!report.complete)
    text += " (incomplete)";
  return wrap(text, kIndent);
}

// "1.25 Mbit/s"
std::string rate(const std::optional<double>& bits) {
  if (!bits)
    return "?";
  return *bits < 999'950 ? fmt::format("{:.1f} kbit/s", *bits / 1e3)
                         : fmt::format("{:.2f} Mbit/s", *bits / 1e6);
}

std::string megabits(const std::optional<double>& bits) {
  return bits ? fmt::format("{:.3f}", *bits / 1e6) : "?";
}

std::string flow_name(const TrafficFlow& flow) {
  return flow.id ? fmt::format("{} {}", flow.protocol, *flow.id)
                 : flow.protocol;
}

std::string way(const TrafficDirection& direction) {
  return direction.from + " > " + direction.to;
}

std::string percent(const TrafficDirection& direction) {
  return direction.loss ? fmt::format("{:.3f}", direction.loss->percent) : "?";
}

std::string median_delay(const TrafficDirection& direction) {
  return direction.delay ? fmt::format("{:.3f}", direction.delay->median_ms)
                         : "?";
}

std::string longest_gap(const TrafficDirection& direction) {
  return direction.longest ? fmt::format("{:.1f}", direction.longest->silent_ms)
                           : "?";
}

std::string flows_table(const TrafficReport& report) {
  if (report.flows.empty())
    return "";
  std::vector<Row> rows{
      {"packets", "loss %", "delay", "silent", "Mbit/s", "of (ms)"}};
  for (const TrafficFlow& flow : report.flows)
    for (const TrafficDirection& direction : flow.directions)
      if (rows.size() <= kMostFlows)
        rows.push_back({figure(direction.packets), percent(direction),
                        median_delay(direction), longest_gap(direction),
                        megabits(direction.throughput),
                        flow_name(flow) + " " + way(direction)});
  std::string out = "\n" + table(rows);
  uint64_t all = 0;
  for (const TrafficFlow& flow : report.flows)
    all += flow.directions.size();
  if (all > kMostFlows)
    out += wrap(fmt::format("and {} with fewer bytes",
                            counted(all - kMostFlows, "direction")),
                kIndent);
  return out;
}

std::string untold_line(const UntoldFlows& untold) {
  if (untold.packets == 0)
    return "";
  return wrap(fmt::format("{}{} more, with {} and {}, not followed",
                          untold.at_least ? "at least " : "",
                          counted(untold.flows, "flow"),
                          counted(untold.packets, "packet"),
                          format_bytes(untold.bytes)),
              kIndent);
}

std::string loss_line(const TrafficDirection& direction) {
  std::string text = "loss unknown";
  if (const auto& loss = direction.loss) {
    constexpr const char* kKnownBy[] = {
        "segments sent again or missing, by tcp sequence numbers",
        "packets, by rtp sequence numbers", "icmp echo requests unanswered"};
    text = fmt::format("loss {:.3f} %: {} of {} {}", loss->percent, loss->lost,
                       loss->of, kKnownBy[static_cast<size_t>(loss->known_by)]);
  }
  return wrap(fmt::format("  {}; {} reordered, {} twice", text,
                          figure(direction.reordered),
                          figure(direction.duplicates)),
              4);
}

std::string delay_line(const TrafficDirection& direction) {
  if (!direction.delay)
    return "  delay unknown\n";
  const TrafficDelay& delay = *direction.delay;
  return wrap(
      fmt::format("  delay, there and back: {:.3f} ms min, {:.3f} median, "
                  "{:.3f} p99, {:.3f} max, of {}{}",
                  delay.min_ms, delay.median_ms, delay.p99_ms, delay.max_ms,
                  delay.known_by == DelayEvidence::tcp_ack
                      ? counted(delay.measured, "acknowledged segment")
                      : counted(delay.measured, "answered request"),
                  delay.sampled ? " (median and p99: of a sample)" : ""),
      4);
}

std::string jitter_line(const TrafficDirection& direction) {
  if (!direction.jitter)
    return "";
  const TrafficJitter& jitter = *direction.jitter;
  return wrap(fmt::format("  jitter of {}: {} ms by RFC 3550 (mean of its "
                          "estimate; at most {}), {} ms mean absolute "
                          "difference",
                          jitter.of_transit ? "the transit" : "the delay",
                          figure(jitter.rfc3550_mean_ms, 3),
                          figure(jitter.rfc3550_max_ms, 3),
                          figure(jitter.mean_difference_ms, 3)),
              4);
}

std::string tcp_line(const TcpFigures& tcp) {
  std::string text =
      fmt::format("  {}, {} of them again", counted(tcp.segments, "segment"),
                  tcp.retransmitted);
  if (tcp.missing_bytes)
    text += fmt::format("; {} never came", format_bytes(tcp.missing_bytes));
  if (tcp.not_captured_bytes)
    text += fmt::format("; {} came, and are not in the capture",
                        format_bytes(tcp.not_captured_bytes));
  if (tcp.strange)
    text += fmt::format("; {} far from all others", tcp.strange);
  return wrap(text, 4);
}

std::string rtp_line(const RtpFigures& rtp) {
  std::string types;
  for (uint8_t type : rtp.payload_types)
    types += (types.empty() ? "" : ", ") + fmt::format("{}", type);
  std::string text =
      fmt::format("  SSRC {:#x}, payload type {}, clock ", rtp.ssrc, types);
  text += rtp.clock_hz ? fmt::format("{} Hz", *rtp.clock_hz)
                       : "unknown, and so is the jitter: --rtp-clock says it";
  if (rtp.restarts)
    text += fmt::format("; began anew {} times", rtp.restarts);
  if (rtp.strange)
    text += fmt::format("; {} far from all others", rtp.strange);
  return wrap(text, 4);
}

std::string split_text(const std::optional<SilenceSplit>& split) {
  return split ? fmt::format("{:.1f} before the pause, {:.1f} hypervisor, "
                             "{:.1f} network",
                             split->before_ms, split->pause_ms,
                             split->recovery_ms)
               : "";
}

std::string silences_table(const TrafficDirection& direction) {
  if (!direction.silences || direction.silences->empty())
    return "";
  std::vector<Row> rows{{"  at ms", "silent ms", "silence"}};
  for (const Silence& silence : *direction.silences)
    rows.push_back({fmt::format("{:.1f}", silence.start_ms),
                    fmt::format("{:.1f}", silence.silent_ms),
                    split_text(silence.split)});
  return table(shortened(std::move(rows), kMostSilences)) +
         (direction.silences_cut ? "  and shorter ones\n" : "");
}

std::string gaps_text(const TrafficDirection& direction) {
  if (!direction.longest)
    return "";
  std::string text =
      fmt::format("  longest silence {:.1f} ms, at {:.1f}",
                  direction.longest->silent_ms, direction.longest->start_ms);
  if (direction.longest->split)
    text += ": " + split_text(direction.longest->split);
  text += fmt::format("; median gap {:.3f} ms", *direction.median_gap_ms);
  if (direction.silences)
    text += fmt::format("; {} that {} out",
                        counted(direction.silences->size(), "silence"),
                        direction.silences->size() == 1 ? "stands" : "stand");
  else
    text += ", no steady pace";
  return wrap(text, 4) + silences_table(direction);
}

std::string details(const TrafficFlow& flow,
                    const TrafficDirection& direction) {
  std::string out =
      "\n" + wrap(flow_name(flow) + " " + way(direction), kIndent);
  out += wrap(
      fmt::format("  {}, {} in {}: {}", counted(direction.packets, "packet"),
                  format_bytes(direction.bytes),
                  format_ms(direction.duration_ms), rate(direction.throughput)),
      4);
  if (direction.tcp)
    out += tcp_line(*direction.tcp);
  if (direction.rtp)
    out += rtp_line(*direction.rtp);
  return out + loss_line(direction) + delay_line(direction) +
         jitter_line(direction) + gaps_text(direction);
}

std::string rule_line() {
  return "\n" +
         wrap(fmt::format(
                  "A silence stands out that is longer than {:g} median gaps "
                  "and {:g} ms, in a direction where at most one gap in {} "
                  "of {} or more is. Rates are of IP packets, from the first "
                  "to the last one; ? is unknown.",
                  kSilenceMedians, kSilenceMs, kPaceShare, kPaceGaps),
              0);
}

} // namespace

std::string render_text(const TrafficReport& report) {
  std::string out = headline(report);
  if (report.pause)
    out += wrap(fmt::format("the guest's pause: {:.1f} ms from STOP, at {:.1f} "
                            "ms of the capture, to RESUME, +- {} ms",
                            report.pause->resume_ms - report.pause->stop_ms,
                            report.pause->stop_ms,
                            figure(report.pause->clock_error_ms, 1)),
                kIndent);
  out += problems_list(report.problems) + flows_table(report) +
         untold_line(report.untold);
  for (size_t i = 0; i < std::min(report.flows.size(), kMostDetails); ++i)
    for (const TrafficDirection& direction : report.flows[i].directions)
      out += details(report.flows[i], direction);
  return report.flows.empty() ? out : out + rule_line();
}

} // namespace migscope::tools
