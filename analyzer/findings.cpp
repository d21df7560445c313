#include "analyzer/findings.h"

#include "analyzer/convergence.h"
#include "analyzer/device_times.h"
#include "analyzer/flow_findings.h"
#include "analyzer/hindsight.h"
#include "analyzer/service/read_service.h"
#include "analyzer/unknown_pieces.h"
#include "base/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace migscope::analyzer {
namespace {

// What the guest wrote while a round was sent shows up as re-sent pages in
// the next one.
struct Convergence {
  double wire_rate = 0;  // bytes/s on the wire, with the guest on
  double sent_rate = 0;  // the same as guest memory, without zero pages
  double dirty_rate = 0; // bytes/s of it that had to be sent again
  double ms = 0;         // that these rates were taken over
  bool known = false;
};

// Rounds whose pages are known; they come first.
size_t known_rounds(const Analysis& analysis) {
  auto unknown = std::find_if(analysis.rounds.begin(), analysis.rounds.end(),
                              [](const Round& round) { return !round.pages; });
  return static_cast<size_t>(unknown - analysis.rounds.begin());
}

Convergence convergence(const Analysis& analysis) {
  Convergence out;
  double page = analysis.vm.page_size.value_or(4096);
  double seconds = 0, wire = 0, sent = 0, dirtied = 0;
  // What a stream that was cut off holds of its last round is a part of it.
  size_t whole = known_rounds(analysis);
  if (!analysis.input.complete && whole > 0)
    --whole;
  for (size_t i = 0; i + 1 < whole; ++i) {
    const Round& round = analysis.rounds[i];
    const Round& next = analysis.rounds[i + 1];
    if (!round.duration_ms)
      continue;
    seconds += *round.duration_ms / 1000;
    wire += static_cast<double>(*round.bytes);
    sent += static_cast<double>(*round.pages - *round.zero_pages) * page;
    // After the first round nearly every page was sent before.
    uint64_t zero = std::min(*next.zero_pages, *next.resent_pages);
    dirtied += static_cast<double>(*next.resent_pages - zero) * page;
  }
  if (seconds <= 0 || sent <= 0)
    return out;
  return {wire / seconds, sent / seconds, dirtied / seconds, seconds * 1000,
          true};
}

// Short enough for one line of a terminal: it is part of the headline.
Finding rounds_finding(const Analysis& analysis) {
  Finding out;
  out.id = "rounds";
  out.evidence = "pages of the stream by round";
  out.text = fmt::format("{}{}", analysis.rounds.size(),
                         analysis.rounds_are_lower_bound ? " or more" : "");
  Convergence rates = convergence(analysis);
  if (!rates.known) {
    out.evidence = "count of dirty-bitmap syncs";
    return out;
  }
  double share = rates.dirty_rate / rates.sent_rate;
  out.text += fmt::format(": {:.1f} MiB/s re-dirtied, {:.1f} sent: ",
                          mib(rates.dirty_rate), mib(rates.sent_rate));
  if (share > 0.5)
    out.severity = Severity::warning;
  if (share >= 1)
    out.text += "rounds could not shrink";
  else if (share > 0.01)
    out.text += fmt::format("rounds shrank {:.1f}x", 1 / share);
  else
    out.text += "little was left after one";
  return out;
}

std::optional<Finding> bandwidth_finding(const Analysis& analysis,
                                         const Timeline& timeline) {
  Convergence rates = convergence(analysis);
  if (timeline.parameters.empty() || !rates.known)
    return {};
  auto limit = timeline.parameters.back().values.max_bandwidth;
  if (limit.value_or(0) == 0)
    return {};
  // QEMU limits by the tenth of a second: a short run says nothing.
  constexpr double kLongEnoughMs = 500;
  double share = rates.wire_rate / static_cast<double>(*limit);
  if (share < 0.9 || rates.ms < kLongEnoughMs)
    return {};
  return Finding{"max-bandwidth", Severity::warning,
                 fmt::format("max-bandwidth held the migration back: {:.1f} "
                             "MiB/s sent, about {:.1f} allowed",
                             mib(rates.wire_rate),
                             mib(static_cast<double>(*limit))),
                 "stream bytes over round times; query-migrate-parameters"};
}

std::optional<Finding> throttle_finding(const Analysis& analysis) {
  const Round* first = nullptr;
  uint64_t most = 0;
  for (const Round& round : analysis.rounds)
    if (round.throttle_percent.value_or(0) > 0) {
      first = first ? first : &round;
      most = std::max(most, *round.throttle_percent);
    }
  if (!first)
    return {};
  return Finding{"throttle", Severity::warning,
                 fmt::format("auto-converge slowed the guest down from round "
                             "{} on, by {} to {} %: what it re-dirtied is "
                             "what that left it",
                             first->number, *first->throttle_percent, most),
                 "query-migrate after each sync"};
}

std::optional<Finding> events_finding(const Analysis& analysis) {
  bool sampled = std::any_of(
      analysis.rounds.begin(), analysis.rounds.end(),
      [](const Round& round) { return round.boundary == Boundary::sampled; });
  if (!sampled)
    return {};
  return Finding{"events-off", Severity::info,
                 "the `events` capability was off: passes and the source's end "
                 "are known by sampling only (record --enable-events)",
                 "query-migrate-capabilities"};
}

std::optional<Finding> same_content_finding(const Analysis& analysis) {
  if (!analysis.ram || analysis.ram->totals.resent_pages == 0 ||
      !analysis.ram->totals.same_content_resends)
    return {};
  const RamTotals& totals = analysis.ram->totals;
  double share = static_cast<double>(*totals.same_content_resends) /
                 static_cast<double>(totals.resent_pages);
  if (share < 0.05)
    return {};
  return Finding{
      "same-content", Severity::info,
      fmt::format("{} of {} re-sent pages ({:.0f} %) had not changed in "
                  "content",
                  *totals.same_content_resends, totals.resent_pages,
                  share * 100),
      "XXH3 of each page's content against what was sent for it before"};
}

std::optional<Finding> counter_finding(const Analysis& analysis) {
  if (!analysis.ram || !analysis.input.complete)
    return {};
  const QemuCounters& qemu = analysis.ram->qemu;
  const RamTotals& totals = analysis.ram->totals;
  if (!qemu.normal || !qemu.duplicate ||
      (*qemu.normal == totals.normal && *qemu.duplicate == totals.zero))
    return {};
  return Finding{"counters", Severity::warning,
                 fmt::format("QEMU counted {} normal and {} zero pages, the "
                             "stream holds {} and {}",
                             *qemu.normal, *qemu.duplicate, totals.normal,
                             totals.zero),
                 "last query-migrate; stream"};
}

// Precopy sends every page once at least. With multifd they take other
// channels, and from the main one alone nothing else shows it.
std::optional<Finding> unsent_finding(const Analysis& analysis) {
  if (!analysis.ram || analysis.ram->without_zero_pages ||
      analysis.outcome.status != "completed")
    return {};
  uint64_t all = 0, unsent = 0;
  for (const BlockTotals& block : analysis.ram->blocks) {
    all += block.pages;
    unsent += block.pages - std::min(block.pages, block.unique_pages);
  }
  if (unsent == 0)
    return {};
  return Finding{"unsent", Severity::warning,
                 fmt::format("{} of {} pages are not in this stream: a channel "
                             "that is not here (multifd, preempt), shared "
                             "memory, or pages that the guest reported free",
                             unsent, all),
                 "block list and pages of the stream"};
}

std::optional<Finding> downtime_finding(const Analysis& analysis) {
  if (analysis.downtime.difference.empty())
    return {};
  return Finding{"downtime-difference", Severity::info,
                 analysis.downtime.difference, "events; query-migrate"};
}

std::optional<Finding> guest_pause_finding(const Analysis& analysis) {
  if (analysis.downtime.guest_difference.empty())
    return {};
  return Finding{"guest-pause", Severity::info,
                 analysis.downtime.guest_difference,
                 "heartbeats of the guest's consoles; events"};
}

std::optional<Finding> probes_finding(const Analysis& analysis) {
  return analysis.service ? service_finding(*analysis.service) : std::nullopt;
}

std::optional<Finding> burst_times_finding(const Analysis& analysis) {
  if (!analysis.stop_and_copy)
    return {};
  return bursts_finding(analysis.stop_and_copy->devices);
}

} // namespace

std::vector<Finding> find(const Analysis& analysis, const Timeline& timeline) {
  std::vector<Finding> out;
  if (!analysis.rounds.empty())
    out.push_back(rounds_finding(analysis));
  std::ranges::move(hindsight(analysis), std::back_inserter(out));
  std::ranges::move(convergence_findings(analysis, timeline),
                    std::back_inserter(out));
  // Of the flow that is told by each round.
  auto flow = flow_finding(analysis);
  if (!flow)
    flow = bandwidth_finding(analysis, timeline);
  for (auto& finding :
       {flow, throttle_finding(analysis), pause_flow_finding(analysis),
        events_finding(analysis), same_content_finding(analysis),
        unknown_pieces_finding(analysis, timeline), downtime_finding(analysis),
        guest_pause_finding(analysis), probes_finding(analysis),
        burst_times_finding(analysis), counter_finding(analysis),
        unsent_finding(analysis)})
    if (finding)
      out.push_back(*finding);
  return out;
}

} // namespace migscope::analyzer
