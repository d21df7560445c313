#include "analyzer/hindsight.h"

#include "analyzer/switchover.h"
#include "base/counted.h"
#include "base/units.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

// Less is within what QEMU's whole milliseconds and a sample's delay explain.
constexpr double kWorthTellingMs = 3;
constexpr const char* kLastRam = "last RAM";

// The check of the pass that QEMU switched over in.
const PassCheck* switched(const Analysis& analysis) {
  if (analysis.passes.empty() ||
      analysis.passes.back().verdict != Verdict::switched)
    return nullptr;
  return &analysis.passes.back();
}

std::optional<double> phase_ms(const Downtime& downtime, const char* name) {
  for (const Phase& phase : downtime.phases)
    if (phase.name == name)
      return phase.duration_ms;
  return {};
}

// How fast RAM was sent in the pause, where max-bandwidth does not hold
// (migration_completion, QEMU 7.2 to 11.1). Of little RAM it says nothing: that
// waits in buffers.
std::optional<double> pause_bandwidth(const Analysis& analysis) {
  constexpr uint64_t kEnough = 1 << 20;
  auto ms = phase_ms(analysis.downtime, kLastRam);
  if (!ms || *ms <= 0 || !analysis.stop_and_copy ||
      analysis.stop_and_copy->bytes < kEnough)
    return {};
  return static_cast<double>(analysis.stop_and_copy->bytes) * 1e3 / *ms;
}

// Guest memory sent with the guest stopped.
std::optional<uint64_t> last_ram_bytes(const Analysis& analysis) {
  if (!analysis.stop_and_copy || !analysis.vm.page_size)
    return {};
  return analysis.stop_and_copy->pages * *analysis.vm.page_size;
}

// What the pause costs whatever is left.
std::optional<double> fixed_ms(const Downtime& downtime) {
  auto ram = phase_ms(downtime, kLastRam);
  if (!ram || !downtime.total_ms)
    return {};
  return std::max(0.0, *downtime.total_ms - *ram);
}

std::optional<double> ram_ms(const PassCheck& check,
                             std::optional<double> in_pause) {
  double rate = check.bandwidth.value_or(0);
  if (check.at_max_bandwidth)
    rate = in_pause.value_or(rate);
  if (!is_after_sync(check) || rate <= 0)
    return {};
  return static_cast<double>(*check.pending_bytes) * 1e3 / rate;
}

// The lowest `remaining` in mid-pass, and what the sync after it brought.
std::optional<Trough> trough(const Analysis& analysis,
                             const Timeline& timeline) {
  std::optional<Trough> out;
  uint64_t last = analysis.passes.back().pass;
  std::optional<uint64_t> pass;
  for (const Sample& sample : own_samples(timeline)) {
    if (!sample.info.ram || !sample.info.ram->dirty_sync_count)
      continue;
    uint64_t count = *sample.info.ram->dirty_sync_count;
    auto left = sample.info.ram->remaining;
    // The first sample of a pass is no trough; the pass that QEMU switched
    // over in has none.
    if (pass == count && count < last && left &&
        (!out || *left < out->remaining_bytes))
      out = Trough{count, *left, {}};
    pass = count;
  }
  for (const PassCheck& check : analysis.passes)
    if (out && check.pass == out->pass + 1)
      out->next_pending_bytes = check.pending_bytes;
  return out;
}

Finding switchover_finding(const Analysis& analysis) {
  const PassCheck& last = analysis.passes.back();
  Finding out{"switchover", Severity::info, "",
              is_by_trace(last)
                  ? "the source's trace; query-migrate-parameters"
                  : "query-migrate after each sync; query-migrate-parameters"};
  if (last.verdict != Verdict::switched) {
    out.severity = Severity::warning;
    out.text = fmt::format("no pass could switch over; the last, {}: {}",
                           last.pass, describe(last));
    return out;
  }
  out.text =
      fmt::format("switched over in pass {}: {}", last.pass, describe(last));
  if (analysis.outcome.mode == "postcopy")
    out.text += "; to postcopy, by command";
  if (auto waited = std::ranges::count(analysis.passes, Verdict::ack,
                                       &PassCheck::verdict))
    out.text +=
        fmt::format("; in {} before switchover-ack waited for the destination",
                    counted(static_cast<uint64_t>(waited), "pass", "passes"));
  if (analysis.passes.size() < 2)
    return out;
  auto before = analysis.passes[analysis.passes.size() - 2].downtime_limit_ms;
  if (before && last.downtime_limit_ms && before != last.downtime_limit_ms)
    out.text += fmt::format("; the limit had been {} ms", *before);
  return out;
}

// QEMU's last figure before the end. Up to 10.2 it is renewed with each window
// of 100 ms, so that it can be older than the samples that show it.
void add_qemu_figure(ExpectedDowntime& out, const PassCheck& last,
                     const Timeline& timeline) {
  auto samples = own_samples(timeline);
  for (auto it = samples.rbegin(); it != samples.rend(); ++it) {
    const qmp::MigrationInfo& info = it->info;
    if (!info.expected_downtime_ms || !info.ram)
      continue;
    auto ms = static_cast<double>(*info.expected_downtime_ms);
    if (!out.qemu_ms)
      out.qemu_is_limit = info.expected_downtime_ms == last.downtime_limit_ms &&
                          info.ram->dirty_pages_rate.value_or(0) == 0;
    else if (*out.qemu_ms != ms)
      return;
    out.qemu_ms = ms;
    out.qemu_is_old = info.ram->dirty_sync_count.value_or(0) < last.pass;
  }
}

std::string uncounted_list(const ExpectedDowntime& expected) {
  std::string out;
  for (const Phase& phase : expected.uncounted)
    if (phase.duration_ms >= 0.05)
      out += fmt::format("{}{} {:.1f}", out.empty() ? "" : ", ", phase.name,
                         phase.duration_ms);
  if (!out.empty())
    out += " ms";
  if (expected.dirtied_after_bytes)
    out += fmt::format("{}{:.2f} MiB dirtied after the estimate",
                       out.empty() ? "" : ", ",
                       mib(*expected.dirtied_after_bytes));
  return out;
}

std::optional<Finding> expected_finding(const Analysis& analysis) {
  const auto& expected = analysis.expected_downtime;
  auto guess = expected ? expected->computed_ms : std::nullopt;
  if (expected && expected->qemu_ms && !expected->qemu_is_limit)
    guess = expected->qemu_ms;
  if (!guess || !expected->actual_ms ||
      std::abs(*expected->actual_ms - *guess) <= kWorthTellingMs)
    return {};
  Finding out{"expected-downtime", Severity::info,
              fmt::format("{} {:.1f} ms, the pause was {:.1f} ms",
                          guess == expected->qemu_ms
                              ? expected->qemu_is_old
                                    ? "QEMU expected, in an earlier pass,"
                                    : "QEMU expected"
                              : "by what was left it would have been",
                          *guess, *expected->actual_ms),
              "query-migrate after the last sync; pieces of the downtime"};
  if (expected->last_ram_ms)
    out.text += fmt::format("; the last RAM took {:.1f} ms of it",
                            *expected->last_ram_ms);
  if (std::string list = uncounted_list(*expected); !list.empty())
    out.text += "; not in the estimate: " + list;
  return out;
}

std::optional<Finding> minimum_finding(const Analysis& analysis) {
  const auto& best = analysis.missed_minimum;
  const PassCheck* last = switched(analysis);
  if (!best || (last && best->regret_ms.value_or(0) <= kWorthTellingMs))
    return {};
  Finding out{"missed-minimum", Severity::warning, "",
              "samples after each sync; the real pause's fixed part"};
  out.text = fmt::format("the best moment was pass {}: {:.2f} MiB left, a "
                         "pause of about {:.0f} ms",
                         best->pass, mib(best->pending_bytes), best->pause_ms);
  if (!best->fixed_ms)
    out.text += " for the RAM alone";
  if (last)
    out.text += fmt::format(", {:.0f} ms less than it was", *best->regret_ms);
  const auto& low = best->trough;
  if (low && low->remaining_bytes < best->pending_bytes)
    out.text += fmt::format(
        "; {:.2f} MiB in the middle of pass {} were no opportunity: what the "
        "guest had dirtied since the sync was not counted yet{}",
        mib(low->remaining_bytes), low->pass,
        low->next_pending_bytes ? fmt::format(", the next one found {:.2f} MiB",
                                              mib(*low->next_pending_bytes))
                                : "");
  return out;
}

} // namespace

std::optional<ExpectedDowntime> expected_downtime(const Analysis& analysis,
                                                  const Timeline& timeline) {
  const PassCheck* last = switched(analysis);
  if (!last || analysis.outcome.mode != "precopy")
    return {};
  ExpectedDowntime out;
  add_qemu_figure(out, *last, timeline);
  if (is_after_sync(*last) && last->bandwidth.value_or(0) > 0)
    out.computed_ms =
        static_cast<double>(*last->pending_bytes) * 1e3 / *last->bandwidth;
  out.actual_ms = analysis.downtime.total_ms;
  out.waited_ms = phase_ms(analysis.downtime, "pre-switchover");
  out.last_ram_ms = phase_ms(analysis.downtime, kLastRam);
  out.pause_bandwidth = pause_bandwidth(analysis);
  // Without the stream the source's piece has the last RAM in it.
  for (const Phase& phase : analysis.downtime.phases)
    if (phase.name != kLastRam && phase.name != "source")
      out.uncounted.push_back(phase);
  auto sent = last_ram_bytes(analysis);
  if (sent && is_after_sync(*last) && *sent > *last->pending_bytes)
    out.dirtied_after_bytes = *sent - *last->pending_bytes;
  return out;
}

std::optional<MissedMinimum> missed_minimum(const Analysis& analysis,
                                            const Timeline& timeline) {
  if (analysis.outcome.mode != "precopy" || analysis.passes.empty())
    return {};
  auto in_pause = pause_bandwidth(analysis);
  const PassCheck* best = nullptr;
  double least = 0;
  for (const PassCheck& check : analysis.passes)
    if (auto ms = ram_ms(check, in_pause); ms && (!best || *ms < least)) {
      best = &check;
      least = *ms;
    }
  if (!best)
    return {};
  MissedMinimum out;
  out.pass = best->pass;
  out.pending_bytes = *best->pending_bytes;
  out.fixed_ms = fixed_ms(analysis.downtime);
  out.pause_ms = least + out.fixed_ms.value_or(0);
  out.trough = trough(analysis, timeline);
  if (!switched(analysis))
    return out;
  // What the real pause took longer than this pass's estimate is no regret.
  if (best->verdict == Verdict::switched) {
    out.regret_ms = 0;
    out.regret_bytes = 0;
    return out;
  }
  if (out.fixed_ms)
    out.regret_ms = std::max(0.0, *analysis.downtime.total_ms - out.pause_ms);
  auto sent = last_ram_bytes(analysis);
  if (!sent)
    sent = analysis.passes.back().pending_bytes;
  if (sent)
    out.regret_bytes = *sent - std::min(*sent, out.pending_bytes);
  return out;
}

std::vector<Finding> hindsight(const Analysis& analysis) {
  std::vector<Finding> out;
  if (!analysis.passes.empty())
    out.push_back(switchover_finding(analysis));
  for (auto& finding : {expected_finding(analysis), minimum_finding(analysis)})
    if (finding)
      out.push_back(*finding);
  return out;
}

} // namespace migscope::analyzer
