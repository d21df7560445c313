#include "tools/render/text.h"

#include "analyzer/switchover.h"
#include "base/counted.h"
#include "tools/render/pages_text.h"
#include "tools/render/service.h"
#include "tools/render/text_layout.h"
#include "tools/render/what_if.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kIndent = 11; // of what stands behind a line's title
constexpr size_t kMostRounds = 24;
constexpr size_t kMostPasses = 12;
constexpr size_t kMostDevices = 12;
constexpr size_t kMostProblems = 20;

std::string titled(const char* title, const std::string& text) {
  return wrap(fmt::format("{:<{}}{}", title, kIndent, text), kIndent);
}

std::string outcome_line(const Analysis& analysis) {
  const Vm& vm = analysis.vm;
  std::string text =
      analysis.outcome.status.empty() ? "unknown" : analysis.outcome.status;
  if (!analysis.input.complete)
    text += " (input incomplete)";
  if (!analysis.outcome.detail.empty())
    text += ": " + analysis.outcome.detail;
  if (vm.machine)
    text += ", " + *vm.machine;
  if (vm.qemu)
    text += ", QEMU " + vm.qemu->substr(0, vm.qemu->find(' '));
  if (vm.destination_qemu)
    text +=
        " to " + vm.destination_qemu->substr(0, vm.destination_qemu->find(' '));
  return titled("outcome", text);
}

std::string total_line(const Analysis& analysis) {
  std::string text = analysis.vm.qemu ? "unknown" : "unknown without a monitor";
  if (analysis.outcome.total_ms)
    text = format_ms(*analysis.outcome.total_ms);
  if (analysis.outcome.setup_ms)
    text +=
        fmt::format(", {} of it setup", format_ms(*analysis.outcome.setup_ms));
  if (analysis.input.bytes)
    text += ", stream of " + format_bytes(analysis.input.bytes);
  return titled("total", text);
}

std::string downtime_line(const Downtime& downtime) {
  std::string qemu = downtime.qemu_ms
                         ? fmt::format("QEMU says {:.0f} ms", *downtime.qemu_ms)
                         : "QEMU's figure is unknown";
  // By its own clock: what it felt of the pause.
  if (downtime.guest)
    qemu += fmt::format(", the guest {}", format_ms(downtime.guest->ms));
  if (!downtime.total_ms)
    return titled("downtime",
                  fmt::format("unknown without {}RESUME; {}",
                              downtime.phases.empty() ? "STOP and " : "",
                              qemu));
  std::string text = format_ms(*downtime.total_ms);
  if (downtime.clock_error_ms.value_or(0) > 0)
    text += fmt::format(" +- {}", format_ms(*downtime.clock_error_ms));
  text += " from STOP to RESUME";
  if (!downtime.clock_error_ms)
    text += " as they arrived here";
  return titled("downtime", text + "; " + qemu);
}

// The longest pieces by name, as many as fit in a line; they answer, the table
// below completes. What is unexplained is never hidden among the rest.
std::string made_of_line(const Downtime& downtime) {
  std::vector<Phase> phases = downtime.phases;
  std::stable_sort(phases.begin(), phases.end(),
                   [](const Phase& a, const Phase& b) {
                     return a.duration_ms > b.duration_ms;
                   });
  bool unexplained = downtime.unexplained_ms.value_or(0) >= 0.05;
  const size_t named = unexplained ? 2 : 3;
  std::string text;
  double other = 0;
  for (size_t i = 0; i < phases.size(); ++i)
    if (i < named)
      text += fmt::format("{}{} {:.1f}", i ? ", " : "", phases[i].name,
                          phases[i].duration_ms);
    else
      other += phases[i].duration_ms;
  if (other >= 0.05)
    text += fmt::format(", other {:.1f}", other);
  if (unexplained)
    text += fmt::format("{}unexplained {:.1f}", text.empty() ? "" : ", ",
                        *downtime.unexplained_ms);
  if (text.empty())
    return titled("made of", "unknown");
  return titled("made of",
                text + (downtime.total_ms ? " ms" : " ms, then unknown"));
}

std::string rounds_line(const Analysis& analysis) {
  for (const Finding& finding : analysis.findings)
    if (finding.id == "rounds")
      return titled("rounds", finding.text);
  return titled("rounds", "none seen");
}

// One line for each clock that is not ours.
std::string clock_line(const char* end, const std::optional<HostClock>& clock) {
  if (!clock || clock->local)
    return "";
  if (!clock->offset_low_ms || !clock->offset_high_ms)
    return titled("clock", fmt::format("the {}'s is not known: its events are "
                                       "taken as they arrived here",
                                       end));
  std::string text =
      fmt::format("the {}'s is {:+.1f} to {:+.1f} ms against ours at {}", end,
                  *clock->offset_low_ms, *clock->offset_high_ms, clock->at);
  if (clock->drift_low_ppm && clock->drift_high_ppm)
    text += fmt::format(", gains {:+.0f} to {:+.0f} ppm", *clock->drift_low_ppm,
                        *clock->drift_high_ppm);
  return titled("clock", fmt::format("{} ({}; {})", text, clock->low_evidence,
                                     clock->high_evidence));
}

std::string postcopy_line(const PageRequests& pages) {
  std::string text =
      fmt::format("{} asked for by the destination, {} answered",
                  counted(pages.requests, "page"), pages.answered);
  if (pages.latencies.max_ms)
    text +=
        fmt::format(" in {} (median) to {}", format_ms(*pages.latencies.p50_ms),
                    format_ms(*pages.latencies.max_ms));
  if (pages.unanswered)
    text += "; " + pages.unanswered_reason;
  text += fmt::format("; {} came unasked ({})", pages.pages_unasked,
                      format_bytes(pages.unasked_bytes));
  if (pages.last_page_ms)
    text += ", the last page " + format_ms(*pages.last_page_ms) +
            " after the switch";
  return titled("postcopy", text);
}

std::string blocktime_line(const qmp::PostcopyBlocktime& blocktime) {
  std::string text = "QEMU's: all vCPUs waited for pages at once for ";
  text += blocktime.all_ms ? fmt::format("{} ms", *blocktime.all_ms) : "?";
  if (blocktime.latency_ns)
    text += fmt::format(", {:.3f} ms a page on average",
                        static_cast<double>(*blocktime.latency_ns) / 1e6);
  return titled("blocktime", text);
}

std::string requests_table(const PageRequests& pages) {
  if (pages.by_channel.empty())
    return "";
  std::vector<Row> rows{{"pages", "p50 ms", "p90 ms", "p99 ms", "max ms",
                         "from request to page, on channel"}};
  for (const auto& [channel, waits] : pages.by_channel)
    rows.push_back({figure(waits.count), figure(waits.p50_ms, 1),
                    figure(waits.p90_ms, 1), figure(waits.p99_ms, 1),
                    figure(waits.max_ms, 1), channel});
  return "\n" + table(rows);
}

std::string downtime_table(const Downtime& downtime) {
  if (downtime.phases.empty())
    return "";
  std::vector<Row> rows{{"start ms", "ms", "piece of the downtime"}};
  for (const Phase& phase : downtime.phases)
    rows.push_back({fmt::format("{:.1f}", phase.start_ms),
                    fmt::format("{:.1f}", phase.duration_ms), phase.name});
  if (downtime.unexplained_ms)
    rows.push_back(
        {"", fmt::format("{:.1f}", *downtime.unexplained_ms), "unexplained"});
  return "\n" + table(rows);
}

std::optional<double> as_double(std::optional<uint64_t> value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

std::string mib(std::optional<double> bytes) {
  return bytes ? fmt::format("{:.1f}", *bytes / (1 << 20)) : "?";
}

std::string rounds_table(const Analysis& analysis) {
  if (analysis.rounds.empty())
    return "";
  std::vector<Row> rows{{"round", "start ms", "ms", "pages", "zero", "re-sent",
                         "MiB", "left MiB", "known by"}};
  for (const Round& round : analysis.rounds)
    rows.push_back(
        {fmt::format("{}", round.number), figure(round.start_ms, 0),
         figure(round.duration_ms, 1), figure(round.pages),
         figure(round.zero_pages), figure(round.resent_pages),
         mib(as_double(round.bytes ? round.bytes : round.transferred_bytes)),
         mib(as_double(round.remaining_bytes)), to_string(round.boundary)});
  return "\n" + table(shortened(std::move(rows), kMostRounds));
}

std::string why_not_yet(const PassCheck& check) {
  switch (check.verdict) {
  case Verdict::switched:
    return "switched over";
  case Verdict::too_much:
    return check.at_max_bandwidth ? "too much left *" : "too much left";
  case Verdict::no_bandwidth:
    return "no bandwidth yet";
  case Verdict::ack:
    return "switchover-ack";
  case Verdict::close:
    return "close to it";
  case Verdict::enough:
    return "little enough";
  case Verdict::unknown:
    break;
  }
  return check.pending_bytes ? "sampled too late" : "no sample";
}

// No sample tells what QEMU's trace does.
bool only_traced(const PassCheck& check) {
  return is_by_trace(check) && mib(as_double(check.traced->sampled_bytes)) !=
                                   mib(as_double(check.pending_bytes));
}

std::string passes_table(const std::vector<PassCheck>& passes) {
  if (passes.empty())
    return "";
  std::vector<Row> rows{{"pass", "left MiB", "allowed", "MiB/s", "limit ms",
                         "needs ms", "why not yet"}};
  bool limited = false, traced = false;
  for (const PassCheck& check : passes) {
    rows.push_back(
        {fmt::format("{}", check.pass), mib(as_double(check.pending_bytes)),
         mib(as_double(check.allowed_bytes)), mib(check.bandwidth),
         figure(check.downtime_limit_ms), figure(check.needed_limit_ms),
         why_not_yet(check) + (only_traced(check) ? " +" : "")});
    limited |= check.verdict == Verdict::too_much && check.at_max_bandwidth;
    traced |= only_traced(check);
  }
  std::string out = "\n" + table(shortened(std::move(rows), kMostPasses));
  if (limited)
    out += wrap("* at max-bandwidth, which the pause is not held to", 2);
  if (traced)
    out +=
        wrap("+ as QEMU's trace has it; a sample was later, or is missing", 2);
  return out;
}

Row flow_row(std::string name, const Flow& flow) {
  auto percent = [](std::optional<double> share) {
    return figure(share ? std::optional(*share * 100) : share, 0);
  };
  std::optional<double> rate = flow.bytes_per_second;
  return {std::move(name),
          figure(flow.duration_ms, 1),
          figure(rate ? std::optional(*rate / (1 << 20)) : rate, 1),
          figure(flow.blocked_ms, 1),
          figure(flow.stalled_ms, 1),
          figure(flow.idle_ms, 1),
          percent(flow.source_cpu),
          to_string(flow.limited_by)};
}

std::string flow_table(const Analysis& analysis) {
  std::vector<Row> rows{{"round", "ms", "MiB/s", "blocked", "stalled", "idle",
                         "CPU %", "limited by"}};
  for (const Round& round : analysis.rounds)
    if (round.flow)
      rows.push_back(flow_row(fmt::format("{}", round.number), *round.flow));
  rows = shortened(std::move(rows), kMostRounds);
  if (analysis.pause_flow)
    rows.push_back(flow_row("pause", *analysis.pause_flow));
  if (analysis.flow)
    rows.push_back(flow_row("all", *analysis.flow));
  if (rows.size() == 1)
    return "";
  std::string out = "\n" + table(rows);
  if (!analysis.vm.qemu)
    out += wrap("max-bandwidth is not known without a monitor: what it held "
                "back is told as another limit's",
                0);
  return out;
}

std::string blocks_table(const Ram& ram) {
  std::vector<Row> rows{
      {"MiB", "unique", "re-sent", "in pause", "pages of RAM block"}};
  for (const BlockTotals& block : ram.blocks)
    if (block.sent_pages)
      rows.push_back(
          {fmt::format("{:.1f}", static_cast<double>(block.bytes) / (1 << 20)),
           figure(block.unique_pages), figure(block.resent_pages),
           figure(block.stop_copy_pages), block.name});
  return "\n" + table(rows);
}

double traced_ms(const DeviceState& device) {
  return device.save_ms.value_or(0) + device.load_ms.value_or(0);
}

// The slowest first where a trace tells, else the largest.
std::vector<DeviceState> worst_first(std::vector<DeviceState> devices) {
  std::stable_sort(devices.begin(), devices.end(),
                   [](const DeviceState& a, const DeviceState& b) {
                     return std::pair(traced_ms(a), a.bytes) >
                            std::pair(traced_ms(b), b.bytes);
                   });
  return devices;
}

Row device_row(const DeviceState& device, bool traced) {
  Row row{figure(device.bytes), fmt::format("{}", device.version),
          figure(device.arrived_ms, 1)};
  if (traced)
    row.insert(row.end(),
               {figure(device.save_ms, 2), figure(device.load_ms, 2)});
  row.push_back(fmt::format("{}/{}{}", device.name, device.instance_id,
                            device.in_pause ? "" : " (before the pause)"));
  return row;
}

std::string devices_table(const StopAndCopy& pause) {
  std::vector<DeviceState> devices = worst_first(pause.devices);
  bool traced = std::ranges::any_of(
      devices, [](const DeviceState& d) { return d.save_ms || d.load_ms; });
  Row head{"bytes", "version", "at ms"};
  if (traced)
    head.insert(head.end(), {"save ms", "load ms"});
  head.push_back(fmt::format("device state, {} in {}",
                             format_bytes(pause.device_bytes),
                             counted(devices.size(), "section")));
  std::vector<Row> rows{head};
  for (const DeviceState& device : devices)
    if (rows.size() <= kMostDevices)
      rows.push_back(device_row(device, traced));
  if (devices.size() > kMostDevices) {
    rows.emplace_back(head.size());
    rows.back().back() = fmt::format("and {} more (--json has them all)",
                                     devices.size() - kMostDevices);
  }
  return "\n" + table(rows);
}

std::string iterables_table(const std::vector<IterableState>& iterables) {
  if (iterables.empty())
    return "";
  std::vector<Row> rows{{"bytes", "sections", "state sent in pieces"}};
  for (const IterableState& state : iterables)
    rows.push_back({figure(state.bytes), figure(state.sections),
                    fmt::format("{}/{}", state.name, state.instance_id)});
  return "\n" + table(shortened(std::move(rows), kMostDevices));
}

std::string findings_list(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings)
    if (finding.id != "rounds")
      out += wrap("- " + finding.text, 2);
  return out.empty() ? "" : "\n" + out;
}

} // namespace

std::string problems_list(const std::vector<Problem>& problems) {
  std::string out;
  for (size_t i = 0; i < problems.size() && i < kMostProblems; ++i) {
    const Problem& problem = problems[i];
    out += wrap(
        fmt::format("{}: {}{}{}{}", to_string(problem.severity),
                    problem.channel, problem.channel.empty() ? "" : ": ",
                    problem.offset ? fmt::format("at {:#x}: ", *problem.offset)
                                   : "",
                    problem.message),
        2);
  }
  if (problems.size() > kMostProblems)
    out += fmt::format(
        "and {}\n", counted(problems.size() - kMostProblems, "more problem"));
  return out.empty() ? "" : "\n" + out;
}

std::string render_text(const Analysis& analysis) {
  std::string out = outcome_line(analysis) + total_line(analysis) +
                    downtime_line(analysis.downtime) +
                    made_of_line(analysis.downtime) + rounds_line(analysis);
  out += clock_line("source", analysis.clocks.source) +
         clock_line("destination", analysis.clocks.destination);
  if (analysis.postcopy)
    out += postcopy_line(*analysis.postcopy);
  if (analysis.blocktime)
    out += blocktime_line(*analysis.blocktime);
  out += problems_list(analysis.input.problems);
  out += findings_list(analysis.findings);
  out += downtime_table(analysis.downtime);
  out += rounds_table(analysis) + passes_table(analysis.passes) +
         flow_table(analysis);
  if (analysis.postcopy)
    out += requests_table(*analysis.postcopy);
  if (analysis.ram)
    out += blocks_table(*analysis.ram);
  if (analysis.pages)
    out += pages_text(*analysis.pages, analysis.vm.page_size.value_or(4096));
  if (analysis.stop_and_copy)
    out += devices_table(*analysis.stop_and_copy);
  out += iterables_table(analysis.iterables);
  if (analysis.service)
    out += "\n" + service_text(*analysis.service);
  if (analysis.what_if)
    out += what_if_text(*analysis.what_if);
  return out;
}

} // namespace migscope::tools
