#include "analyzer/switchover.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <unordered_map>

namespace migscope::analyzer {

using qmp::MigrationParameters;

namespace {

// QEMU takes no larger downtime-limit (MAX_MIGRATE_DOWNTIME, 7.2 to 11.1).
constexpr double kMaxLimitMs = 2'000'000;
// QEMU's limit is kept on average only.
constexpr double kAtMaxBandwidth = 0.9;

uint64_t as_bytes(double value) {
  constexpr double kMost = 9.0e18;
  return value > 0 ? static_cast<uint64_t>(std::min(value, kMost)) : 0;
}

std::string mib(double bytes) {
  double value = bytes / (1 << 20);
  return fmt::format("{:.{}f} MiB", value, value < 10 ? 2 : 1);
}

// The first sample that shows each count of syncs, and the newest before.
class Samples {
public:
  explicit Samples(std::span<const Sample> samples) : samples_(samples) {
    // Once it has stopped the guest 11.1 has nothing left, in the same count.
    for (const Sample& sample : samples)
      if (sample.info.status == qmp::MigrationStatus::active &&
          sample.info.ram && sample.info.ram->dirty_sync_count)
        first_.try_emplace(*sample.info.ram->dirty_sync_count, &sample);
  }

  [[nodiscard]] const Sample* first_of(uint64_t pass) const {
    auto found = first_.find(pass);
    return found == first_.end() ? nullptr : found->second;
  }

  // Moves on with every call: `sync` must not go back.
  [[nodiscard]] const Sample* newest_before(MonoTime sync) {
    while (next_ < samples_.size() && samples_[next_].answered <= sync) {
      if (samples_[next_].info.ram)
        newest_ = &samples_[next_];
      ++next_;
    }
    return newest_;
  }

private:
  std::span<const Sample> samples_;
  std::unordered_map<uint64_t, const Sample*> first_;
  size_t next_ = 0;
  const Sample* newest_ = nullptr;
};

// What may have been in force at a sync, the likeliest first. The recorder asks
// right after it, and a change shortly before is what brings QEMU to sync; but
// the change may have come in between, too.
std::vector<MigrationParameters> parameters_of(const Timeline& timeline,
                                               MonoTime sync,
                                               std::optional<MonoTime> next) {
  std::vector<MigrationParameters> out;
  const auto& replies = timeline.parameters;
  auto reply =
      std::ranges::lower_bound(replies, sync, {}, &ParametersMark::answered);
  if (reply != replies.end() && (!next || reply->answered < *next))
    out.push_back(reply->values);
  if (reply != replies.begin())
    out.push_back(std::prev(reply)->values);
  return out;
}

void add_rate(PassCheck& check, const Sample* sample,
              const MigrationParameters& parameters) {
  uint64_t chosen = parameters.avail_switchover_bandwidth.value_or(0);
  check.bandwidth_is_set = chosen > 0;
  check.downtime_limit_ms = parameters.downtime_limit_ms;
  auto mbps = sample ? sample->info.ram->mbps : std::nullopt;
  if (chosen > 0)
    check.bandwidth = static_cast<double>(chosen);
  else if (mbps && std::isfinite(*mbps) && *mbps >= 0)
    check.bandwidth = *mbps * 1e6 / 8;
  if (!check.bandwidth)
    return;
  auto most = static_cast<double>(parameters.max_bandwidth.value_or(0));
  check.at_max_bandwidth = !check.bandwidth_is_set && most > 0 &&
                           *check.bandwidth >= kAtMaxBandwidth * most;
  if (check.downtime_limit_ms)
    check.allowed_bytes = as_bytes(
        *check.bandwidth * static_cast<double>(*check.downtime_limit_ms) / 1e3);
}

void add_sample(PassCheck& check, const Sample& sample, const SyncMark& mark) {
  const qmp::MigrationInfo& info = sample.info;
  // 11.1 has a figure for all devices, which is as old as QEMU's last look.
  check.pending_bytes = info.ram->remaining;
  if (info.remaining)
    check.pending_bytes =
        std::max(info.ram->remaining.value_or(0), *info.remaining);
  // Below zero: any time before the first sample.
  if (mark.earliest.ns >= 0)
    check.sample_delay_ms =
        std::max(0.0, to_ms(sample.answered - mark.earliest));
  if (info.expected_downtime_ms)
    check.expected_downtime_ms =
        static_cast<double>(*info.expected_downtime_ms);
  check.throttle_percent = info.cpu_throttle_percentage;
}

void add_needed_limit(PassCheck& check) {
  if (!check.pending_bytes || check.bandwidth.value_or(0) <= 0)
    return;
  double ms =
      static_cast<double>(*check.pending_bytes) * 1e3 / *check.bandwidth;
  if (ms < kMaxLimitMs)
    check.needed_limit_ms = static_cast<uint64_t>(ms) + 1;
}

Verdict verdict(const PassCheck& check, bool ack_waits) {
  // Without a sample of its own the bandwidth is another pass's.
  if (!check.pending_bytes)
    return Verdict::unknown;
  if (check.bandwidth && *check.bandwidth <= 0)
    return Verdict::no_bandwidth;
  if (!check.allowed_bytes)
    return Verdict::unknown;
  // What is left only shrinks between two syncs.
  if (*check.pending_bytes >= *check.allowed_bytes)
    return Verdict::too_much;
  if (!is_after_sync(check))
    return Verdict::unknown;
  return ack_waits ? Verdict::ack : Verdict::close;
}

PassCheck check_pass(const SyncMark& mark, const Sample* own,
                     const Sample* before,
                     const MigrationParameters& parameters) {
  PassCheck check;
  check.pass = mark.number;
  add_rate(check, own ? own : before, parameters);
  if (own)
    add_sample(check, *own, mark);
  add_needed_limit(check);
  return check;
}

// Passes that began with the guest running.
std::vector<SyncMark> live(const std::vector<SyncMark>& marks,
                           const Timeline& timeline, bool by_command) {
  std::vector<SyncMark> out;
  std::optional<MonoTime> stop;
  if (by_command && timeline.stop)
    stop = timeline.source_clock.at(*timeline.stop);
  for (const SyncMark& mark : marks)
    if (!mark.final && (!stop || mark.latest <= *stop))
      out.push_back(mark);
  return out;
}

} // namespace

bool is_after_sync(const PassCheck& check) {
  // What a few milliseconds change in the pause is about those; under
  // max-bandwidth it can be a window's bytes, which are sent at once.
  constexpr double kSoonMs = 5;
  if (!check.sample_delay_ms || !check.pending_bytes)
    return false;
  double pause_ms = static_cast<double>(check.needed_limit_ms.value_or(0));
  return *check.sample_delay_ms <= std::max(kSoonMs, 0.1 * pause_ms);
}

std::vector<PassCheck> check_passes(const std::vector<SyncMark>& marks,
                                    const Timeline& timeline, bool by_command) {
  bool switched = by_command || (!marks.empty() && marks.back().final);
  bool ack =
      qmp::capability_is_on(timeline.source_capabilities, "switchover-ack");
  std::vector<SyncMark> passes = live(marks, timeline, by_command);
  Samples samples(own_samples(timeline));
  std::vector<PassCheck> out;
  for (size_t i = 0; i < passes.size(); ++i) {
    auto next = i + 1 < passes.size() ? std::optional(passes[i + 1].latest)
                                      : std::nullopt;
    const Sample* before = samples.newest_before(passes[i].latest);
    const Sample* own = samples.first_of(passes[i].number);
    auto with = [&](const MigrationParameters& parameters) {
      PassCheck check = check_pass(passes[i], own, before, parameters);
      check.verdict =
          switched && !next ? Verdict::switched : verdict(check, ack);
      return check;
    };
    auto choices = parameters_of(timeline, passes[i].latest, next);
    out.push_back(with(choices.empty() ? MigrationParameters{} : choices[0]));
    // QEMU did not switch, so the new parameters were not in force yet.
    if (choices.size() > 1 && out.back().verdict == Verdict::close)
      if (PassCheck old = with(choices[1]); old.verdict == Verdict::too_much)
        out.back() = old;
  }
  return out;
}

std::string describe(const PassCheck& check) {
  std::string text;
  if (check.pending_bytes)
    text = mib(static_cast<double>(*check.pending_bytes)) + " left";
  if (check.pending_bytes && !is_after_sync(check) && check.sample_delay_ms)
    text += fmt::format(" {:.1f} ms into the pass", *check.sample_delay_ms);
  if (!check.pending_bytes)
    text = "no sample tells what was left";
  if (check.verdict == Verdict::no_bandwidth)
    return text + ", nothing allowed: no bandwidth was measured yet";
  if (!check.allowed_bytes)
    return text + ", bandwidth or downtime-limit unknown";
  text +=
      fmt::format(", {} allowed ({}{}/s x {} ms)",
                  mib(static_cast<double>(*check.allowed_bytes)),
                  check.bandwidth_is_set ? "avail-switchover-bandwidth " : "",
                  mib(*check.bandwidth), *check.downtime_limit_ms);
  if (check.verdict == Verdict::too_much) {
    if (*check.allowed_bytes > 0)
      text += fmt::format(": needs {:.1f}x less",
                          static_cast<double>(*check.pending_bytes) /
                              static_cast<double>(*check.allowed_bytes));
    if (check.needed_limit_ms)
      text += fmt::format("{} downtime-limit {} ms",
                          *check.allowed_bytes > 0 ? ", or" : ": needs",
                          *check.needed_limit_ms);
  }
  if (check.verdict == Verdict::ack)
    text += ": switchover-ack waits for the destination";
  if (check.verdict == Verdict::close)
    text += ": too close to tell what QEMU saw, or devices had more";
  if (check.at_max_bandwidth)
    text += "; that rate is max-bandwidth, which the pause is not held to";
  if (check.throttle_percent.value_or(0) > 0)
    text += fmt::format("; guest throttled by {} %", *check.throttle_percent);
  return text;
}

} // namespace migscope::analyzer
