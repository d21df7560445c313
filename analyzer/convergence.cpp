#include "analyzer/convergence.h"

#include "base/counted.h"
#include "base/units.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace migscope::analyzer {
namespace {

// What differs by less is no change.
constexpr double kSame = 0.95;

double as_double(uint64_t value) {
  return static_cast<double>(value);
}

// A round that sent pages again with the guest running.
struct Resend {
  const Round* round = nullptr;
  const Round* before = nullptr; // that sent some, while they were dirtied
  double bytes = 0;              // of guest memory
};

// The first rounds of them all: to where pages are not known, or the last one,
// which is the pause or cut off. Those without pages say nothing of what the
// guest did: one is between two syncs right before the pause.
std::vector<Resend> resends(const Analysis& analysis) {
  std::vector<Resend> out;
  double page = analysis.vm.page_size.value_or(4096);
  const Round* before = nullptr;
  for (size_t i = 0; i + 1 < analysis.rounds.size(); ++i) {
    const Round& round = analysis.rounds[i];
    if (!round.resent_pages)
      break;
    if (round.pages.value_or(0) == 0)
      continue;
    if (before)
      out.push_back({&round, before, as_double(*round.resent_pages) * page});
    before = &round;
  }
  return out;
}

bool shrank(const Resend& now, const Resend& before) {
  return now.bytes < kSame * before.bytes;
}

// What else changed from one round to the next, by a tenth at least.
std::string what_changed(const Round& from, const Round& to) {
  if (from.throttle_percent.value_or(0) < to.throttle_percent.value_or(0))
    return fmt::format("auto-converge went from {} to {} %",
                       from.throttle_percent.value_or(0), *to.throttle_percent);
  auto rate = [](const Round& round) {
    return round.bytes && round.duration_ms.value_or(0) > 0
               ? as_double(*round.bytes) * 1e3 / *round.duration_ms
               : 0.0;
  };
  double dirty = from.dirty_bytes_per_second.value_or(0);
  double now = to.dirty_bytes_per_second.value_or(dirty);
  if (dirty > 0 && now < 0.9 * dirty)
    return fmt::format("the dirty rate fell from {:.1f} to {:.1f} MiB/s",
                       mib(dirty), mib(now));
  if (rate(from) > 0 && rate(to) > 1.1 * rate(from))
    return fmt::format("the transfer went from {:.1f} to {:.1f} MiB/s",
                       mib(rate(from)), mib(rate(to)));
  return "";
}

std::optional<Finding> never_shrank(const std::vector<Resend>& rounds,
                                    size_t from) {
  constexpr size_t kEnough = 3;
  if (rounds.size() - from < kEnough)
    return {};
  return Finding{
      "not-shrinking", Severity::warning,
      fmt::format("from round {} on rounds did not shrink: {:.1f} MiB sent "
                  "again there, {:.1f} in round {}; as much is dirtied in a "
                  "round as it sends",
                  rounds[from].round->number, mib(rounds[from].bytes),
                  mib(rounds.back().bytes), rounds.back().round->number),
      "pages of the stream by round"};
}

// The last round that was no smaller than the one before.
std::optional<Finding> turn_finding(const std::vector<Resend>& rounds) {
  size_t turn = 0;
  for (size_t i = 1; i < rounds.size(); ++i)
    if (!shrank(rounds[i], rounds[i - 1]))
      turn = i;
  if (turn == 0)
    return {};
  if (turn + 1 == rounds.size()) {
    size_t from = turn;
    while (from > 0 && !shrank(rounds[from], rounds[from - 1]))
      --from;
    return never_shrank(rounds, from);
  }
  const Resend& last = rounds.back();
  double times = as_double(rounds.size() - 1 - turn);
  double factor =
      std::pow(rounds[turn].bytes / std::max(last.bytes, 1.0), 1 / times);
  std::string why =
      what_changed(*rounds[turn].before, *rounds[turn + 1].before);
  return Finding{
      "turn", Severity::info,
      fmt::format("round {} was the last that did not shrink, with {:.1f} MiB "
                  "sent again; after it rounds shrank {:.1f}x each, to {:.1f} "
                  "MiB{}{}",
                  rounds[turn].round->number, mib(rounds[turn].bytes), factor,
                  mib(last.bytes), why.empty() ? "" : ": ", why),
      "pages of the stream by round; query-migrate after each sync"};
}

struct Dirtied {
  double bytes = 0, ms = 0;

  [[nodiscard]] double rate() const { return bytes * 1e3 / ms; }
};

std::optional<Finding>
throttle_effect_finding(const std::vector<Resend>& rounds) {
  std::map<uint64_t, Dirtied> by_percent;
  for (const Resend& resend : rounds)
    if (resend.before->throttle_percent &&
        resend.before->duration_ms.value_or(0) > 0) {
      Dirtied& sum = by_percent[*resend.before->throttle_percent];
      sum.bytes += resend.bytes;
      sum.ms += *resend.before->duration_ms;
    }
  if (by_percent.size() < 2 || by_percent.begin()->second.bytes <= 0)
    return {};
  double share =
      by_percent.rbegin()->second.rate() / by_percent.begin()->second.rate();
  std::string rates;
  for (const auto& [percent, dirtied] : by_percent)
    rates += fmt::format("{}{} %: {:.1f}", rates.empty() ? "" : ", ", percent,
                         mib(dirtied.rate()));
  return Finding{
      "throttle-effect", share > 0.8 ? Severity::warning : Severity::info,
      fmt::format("MiB/s dirtied by how much the guest was "
                  "throttled: {}{}",
                  rates, share > 0.8 ? "; throttling hardly helps" : ""),
      "pages of the stream by round; query-migrate after each sync"};
}

// Nothing where QEMU's counters were not asked for.
const qmp::XbzrleStats* last_xbzrle(const Timeline& timeline) {
  auto samples = own_samples(timeline);
  for (auto it = samples.rbegin(); it != samples.rend(); ++it)
    if (it->info.xbzrle)
      return &*it->info.xbzrle;
  return nullptr;
}

std::optional<Finding> xbzrle_finding(const Analysis& analysis,
                                      const Timeline& timeline) {
  if (!analysis.ram || analysis.ram->totals.xbzrle == 0)
    return {};
  const RamTotals& totals = analysis.ram->totals;
  double plain =
      as_double(totals.xbzrle) * analysis.vm.page_size.value_or(4096);
  std::string text =
      fmt::format("xbzrle sent {} in {:.1f} KiB instead of {:.1f}",
                  counted(totals.xbzrle, "page"),
                  as_double(totals.xbzrle_bytes) / 1024, plain / 1024);
  const qmp::XbzrleStats* qemu = last_xbzrle(timeline);
  if (qemu && qemu->pages && qemu->cache_miss) {
    // `pages` has the unchanged ones, too, which are not sent at all.
    double hits = as_double(*qemu->pages);
    double all = hits + as_double(*qemu->cache_miss);
    text += fmt::format("; {:.0f} % of pages were in its cache ({} misses",
                        all > 0 ? 100 * hits / all : 0.0, *qemu->cache_miss);
    if (qemu->overflow)
      text += fmt::format(", {} had changed too much", *qemu->overflow);
    text += ")";
  }
  return Finding{"xbzrle", Severity::info, text,
                 "pages of the stream; query-migrate's xbzrle-cache"};
}

// The last pass that told how much it was allowed to have left.
std::optional<uint64_t> last_allowed(const Analysis& analysis) {
  for (auto it = analysis.passes.rbegin(); it != analysis.passes.rend(); ++it)
    if (it->allowed_bytes)
      return it->allowed_bytes;
  return {};
}

std::optional<Finding> always_hot_finding(const Analysis& analysis) {
  constexpr uint64_t kEnoughRounds = 3;
  if (!analysis.pages || analysis.pages->always_resent_pages.value_or(0) == 0 ||
      analysis.pages->resending_rounds.value_or(0) < kEnoughRounds)
    return {};
  uint64_t pages = *analysis.pages->always_resent_pages;
  uint64_t bytes = pages * analysis.vm.page_size.value_or(4096);
  std::string text = fmt::format(
      "{} ({:.1f} MiB) never cooled: each of the {} rounds after the first "
      "sent {} again",
      counted(pages, "page"), mib(as_double(bytes)),
      *analysis.pages->resending_rounds, pages == 1 ? "it" : "them");
  auto allowed = last_allowed(analysis);
  bool too_many = allowed && *allowed > 0 && bytes > *allowed;
  if (too_many)
    text += fmt::format("; they alone are more than the {:.1f} MiB with which "
                        "QEMU may switch over",
                        mib(as_double(*allowed)));
  return Finding{"never-cools", too_many ? Severity::warning : Severity::info,
                 text, "sends of every page; query-migrate"};
}

} // namespace

std::vector<Finding> convergence_findings(const Analysis& analysis,
                                          const Timeline& timeline) {
  std::vector<Resend> rounds = resends(analysis);
  std::vector<Finding> out;
  for (auto& finding :
       {turn_finding(rounds), throttle_effect_finding(rounds),
        always_hot_finding(analysis), xbzrle_finding(analysis, timeline)})
    if (finding)
      out.push_back(*finding);
  return out;
}

} // namespace migscope::analyzer
