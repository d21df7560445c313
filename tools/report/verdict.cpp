#include "tools/report/verdict.h"

#include "base/counted.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

const Finding* find(const Analysis& analysis, std::string_view id) {
  auto found = std::ranges::find(analysis.findings, id, &Finding::id);
  return found == analysis.findings.end() ? nullptr : &*found;
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  if (!text.empty() && text.back() != '.')
    text += '.';
  return text;
}

std::string after(const Analysis& analysis, const char* preposition) {
  if (!analysis.outcome.total_ms)
    return "";
  return fmt::format(" {} {}", preposition,
                     format_ms(*analysis.outcome.total_ms));
}

std::string pause(const Analysis& analysis) {
  const Downtime& downtime = analysis.downtime;
  if (!downtime.total_ms)
    return downtime.qemu_ms
               ? fmt::format("; QEMU says that the guest stood still for "
                             "{:.0f} ms, nothing else tells",
                             *downtime.qemu_ms)
               : "; for how long the guest stood still is not known";
  std::string out =
      "; the guest stood still for " + format_ms(*downtime.total_ms);
  if (downtime.clock_error_ms.value_or(0) > 0)
    out += fmt::format(" ± {}", format_ms(*downtime.clock_error_ms));
  if (downtime.qemu_ms)
    out += fmt::format(" (QEMU says {:.0f} ms)", *downtime.qemu_ms);
  return out;
}

std::string what_happened(const Analysis& analysis) {
  const OutcomeInfo& outcome = analysis.outcome;
  const std::string bytes = format_bytes(analysis.input.bytes);
  const bool monitored =
      analysis.vm.qemu || !analysis.time_series.samples.empty();
  if (!monitored && outcome.status == "completed")
    return fmt::format("A whole {} stream of {}; without a monitor nothing "
                       "tells how long it took",
                       outcome.mode, bytes);
  if (outcome.status == "truncated")
    return fmt::format("The {} stream breaks off after {}", outcome.mode,
                       bytes);
  std::string what = outcome.mode == "precopy"
                         ? "The migration"
                         : fmt::format("The migration ({})", outcome.mode);
  if (outcome.status == "completed")
    return what + " completed" + after(analysis, "in") + pause(analysis);
  if (outcome.status == "interrupted" || outcome.status == "disconnected")
    what = "The recording";
  what += fmt::format(" {} {}{}", outcome.status == "active" ? "is" : "was",
                      outcome.status.empty() ? "of unknown outcome"
                                             : outcome.status,
                      after(analysis, "after"));
  return outcome.detail.empty() ? what : what + ": " + outcome.detail;
}

std::string of_pause(const Downtime& downtime) {
  auto longest =
      std::ranges::max_element(downtime.phases, {}, &Phase::duration_ms);
  if (longest == downtime.phases.end() || !downtime.total_ms ||
      *downtime.total_ms <= 0)
    return "";
  double unexplained = downtime.unexplained_ms.value_or(0);
  bool known = longest->duration_ms >= unexplained;
  double most = known ? longest->duration_ms : unexplained;
  return fmt::format("the largest piece of the pause was {}, {:.1f} ms or "
                     "{:.0f} %",
                     known ? longest->name : "unexplained", most,
                     100 * most / *downtime.total_ms);
}

std::string of_rounds(const Analysis& analysis) {
  const Finding* rounds = find(analysis, "rounds");
  if (!rounds || analysis.rounds.empty())
    return "";
  size_t colon = rounds->text.find(':');
  std::string unit = analysis.rounds.size() == 1 ? " round" : " rounds";
  if (colon == std::string::npos)
    return "it took " + rounds->text + unit;
  return "it took " + rounds->text.substr(0, colon) + unit +
         rounds->text.substr(colon);
}

// The pause where it came to one; else what kept it from coming.
std::string why(const Analysis& analysis) {
  std::string rounds = of_rounds(analysis);
  if (std::string longest = of_pause(analysis.downtime); !longest.empty())
    return longest + (rounds.empty() ? "" : "; " + rounds);
  const Finding* passes = find(analysis, "switchover");
  if (passes && analysis.outcome.status != "completed")
    return passes->text;
  for (const Problem& problem : analysis.input.problems)
    if (problem.severity == Severity::error)
      return problem.message;
  return rounds.empty() ? "the input tells no more than its totals" : rounds;
}

Tone tone(const Analysis& analysis) {
  if (analysis.outcome.status != "completed")
    return Tone::bad;
  return analysis.input.complete ? Tone::good : Tone::warning;
}

Fact downtime_fact(const Downtime& downtime) {
  Fact out{"downtime", "unknown", "needs STOP and RESUME"};
  if (downtime.total_ms) {
    out.value = format_ms(*downtime.total_ms);
    out.detail = "STOP to RESUME";
    if (!downtime.clock_error_ms)
      out.detail += ", as they arrived";
    else if (*downtime.clock_error_ms > 0)
      out.detail += fmt::format(", ± {}", format_ms(*downtime.clock_error_ms));
  }
  return out;
}

} // namespace

VerdictText verdict(const Analysis& analysis) {
  return {tone(analysis), sentence(what_happened(analysis)),
          sentence(why(analysis))};
}

std::vector<Fact> facts(const Analysis& analysis) {
  const Downtime& downtime = analysis.downtime;
  std::vector<Fact> out{downtime_fact(downtime)};
  if (downtime.qemu_ms)
    out.push_back({"QEMU's downtime",
                   fmt::format("{:.0f} ms", *downtime.qemu_ms),
                   "the source's own figure"});
  if (downtime.guest)
    out.push_back({"the guest felt", format_ms(downtime.guest->ms),
                   downtime.guest->error_ms
                       ? fmt::format("± {}, by its heartbeats",
                                     format_ms(*downtime.guest->error_ms))
                       : "by its heartbeats"});
  if (downtime.unexplained_ms)
    out.push_back({"unexplained", format_ms(*downtime.unexplained_ms),
                   "of the downtime"});
  if (analysis.outcome.total_ms)
    out.push_back({"total time", format_ms(*analysis.outcome.total_ms),
                   "QEMU's total-time"});
  if (!analysis.rounds.empty())
    out.push_back(
        {"rounds",
         fmt::format("{}{}", analysis.rounds.size(),
                     analysis.rounds_are_lower_bound ? " or more" : ""),
         counted(analysis.passes.size(), "check") + " for switching over"});
  out.push_back({"stream", format_bytes(analysis.input.bytes),
                 counted(analysis.input.channels, "connection")});
  if (analysis.ram) {
    const RamTotals& totals = analysis.ram->totals;
    out.push_back(
        {"re-sent pages", fmt::format("{}", totals.resent_pages),
         totals.same_content_resends
             ? fmt::format("{} of them unchanged", *totals.same_content_resends)
             : "contents not read"});
  }
  return out;
}

} // namespace migscope::tools
