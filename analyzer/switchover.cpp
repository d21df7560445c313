#include "analyzer/switchover.h"

#include "analyzer/trace_passes.h"

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

// With the traced threshold, what it says of the bandwidth: in whole bytes/ms
// or, where the limit is known that it was computed with, to the byte.
std::optional<double> traced_bandwidth(const PassCheck& check,
                                       const TracedSync& sync) {
  if (sync.bytes_per_ms.value_or(0) == 0 || !check.downtime_limit_ms)
    return sync.bytes_per_ms
               ? std::optional(static_cast<double>(*sync.bytes_per_ms) * 1e3)
               : std::nullopt;
  return static_cast<double>(*sync.allowed_bytes) * 1e3 /
         static_cast<double>(*check.downtime_limit_ms);
}

std::optional<double> sampled_bandwidth(const Sample* sample) {
  double mbps = sample ? sample->info.ram->mbps.value_or(-1) : -1;
  if (!std::isfinite(mbps) || mbps < 0)
    return {};
  return mbps * 1e6 / 8;
}

void add_rate(PassCheck& check, const Sample* sample, const TracedSync* sync,
              const MigrationParameters& parameters) {
  uint64_t chosen = parameters.avail_switchover_bandwidth.value_or(0);
  check.bandwidth_is_set = chosen > 0;
  check.downtime_limit_ms = parameters.downtime_limit_ms;
  check.bandwidth = sampled_bandwidth(sample);
  if (chosen > 0)
    check.bandwidth = static_cast<double>(chosen);
  if (is_decided(sync)) {
    check.allowed_bytes = sync->allowed_bytes;
    if (auto traced = traced_bandwidth(check, *sync))
      check.bandwidth = traced;
  } else if (check.bandwidth && check.downtime_limit_ms) {
    // QEMU takes what was chosen as whole bytes a millisecond.
    double per_ms = *check.bandwidth / 1e3;
    if (check.bandwidth_is_set)
      per_ms = std::floor(per_ms);
    check.allowed_bytes =
        as_bytes(per_ms * static_cast<double>(*check.downtime_limit_ms));
  }
  auto most = static_cast<double>(parameters.max_bandwidth.value_or(0));
  check.at_max_bandwidth =
      !check.bandwidth_is_set && most > 0 &&
      check.bandwidth.value_or(0) >= kAtMaxBandwidth * most;
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

void add_trace(PassCheck& check, const TracedSync& sync) {
  check.traced = traced_pass(sync);
  check.traced->sampled_bytes = check.pending_bytes;
  if (!is_decided(&sync))
    return;
  check.pending_bytes = sync.pending_bytes;
  check.sample_delay_ms = 0;
}

void add_needed_limit(PassCheck& check) {
  if (!check.pending_bytes || check.bandwidth.value_or(0) <= 0)
    return;
  double ms =
      static_cast<double>(*check.pending_bytes) * 1e3 / *check.bandwidth;
  if (ms < kMaxLimitMs)
    check.needed_limit_ms = static_cast<uint64_t>(ms) + 1;
}

// What holds for all passes of a migration.
struct Rules {
  bool ack = false;               // switchover-ack is on
  std::optional<MonoTime> agreed; // the destination, if it is known when
  bool equal_is_enough = false;   // pending as large as allowed

  // With nothing left QEMU switches whatever is allowed.
  [[nodiscard]] bool goes_on(const PassCheck& check) const {
    return *check.pending_bytes > *check.allowed_bytes ||
           (*check.pending_bytes == *check.allowed_bytes && !equal_is_enough &&
            *check.pending_bytes > 0);
  }
};

// Up to 10.2 the source waits for SWITCHOVER_ACK whatever the devices
// (migration_can_switchover, migration/migration.c). 11.1.3, with machine types
// of its own, was seen to wait only where a device has asked for it, which its
// trace alone tells; of 11.0 nothing is known.
Rules rules_of(const Timeline& timeline) {
  const auto& version = timeline.source_version;
  bool waits = version && version->major < 11;
  return {qmp::capability_is_on(timeline.source_capabilities, "switchover-ack"),
          waits ? timeline.switchover_ack : std::nullopt,
          version &&
              std::pair(version->major, version->minor) >= std::pair(10, 1)};
}

Verdict verdict(const PassCheck& check, MonoTime sync, const Rules& rules) {
  // Without a sample of its own the bandwidth is another pass's.
  if (!check.pending_bytes)
    return Verdict::unknown;
  if (check.bandwidth && *check.bandwidth <= 0)
    return Verdict::no_bandwidth;
  if (!check.allowed_bytes)
    return Verdict::unknown;
  // What is left only shrinks between two syncs.
  if (rules.goes_on(check))
    return Verdict::too_much;
  if (!is_after_sync(check))
    return Verdict::unknown;
  // The source hears of it after the tee.
  constexpr Nanos kAckOnItsWay = std::chrono::milliseconds(10);
  if (rules.ack &&
      (rules.agreed ? sync < *rules.agreed + kAckOnItsWay : is_by_trace(check)))
    return Verdict::ack;
  return is_by_trace(check) ? Verdict::enough : Verdict::close;
}

// What is known of a pass.
struct Pass {
  SyncMark mark;
  const TracedSync* sync = nullptr;
  const Sample* own = nullptr;    // the first one in it
  const Sample* before = nullptr; // the newest before it
};

PassCheck check_pass(const Pass& pass, const MigrationParameters& parameters) {
  PassCheck check;
  check.pass = pass.mark.number;
  add_rate(check, pass.own ? pass.own : pass.before, pass.sync, parameters);
  if (pass.own)
    add_sample(check, *pass.own, pass.mark);
  if (pass.sync)
    add_trace(check, *pass.sync);
  add_needed_limit(check);
  return check;
}

// Passes that began with the guest running.
std::vector<Pass> live(const std::vector<SyncMark>& marks,
                       const Timeline& timeline, bool by_command) {
  std::vector<Pass> out;
  std::optional<MonoTime> stop;
  if (by_command && timeline.stop)
    stop = timeline.source_clock.at(*timeline.stop);
  Samples samples(own_samples(timeline));
  auto syncs = traced_syncs(marks, timeline);
  for (size_t i = 0; i < marks.size(); ++i)
    if (!marks[i].final && (!stop || marks[i].latest <= *stop))
      out.push_back({marks[i], syncs[i], samples.first_of(marks[i].number),
                     samples.newest_before(marks[i].latest)});
  return out;
}

// With the parameters that were in force, as far as what QEMU did tells.
PassCheck judge(const Pass& pass,
                const std::vector<MigrationParameters>& choices,
                const Rules& rules, bool switched) {
  auto with = [&](const MigrationParameters& parameters) {
    PassCheck check = check_pass(pass, parameters);
    check.verdict =
        switched ? Verdict::switched : verdict(check, pass.mark.latest, rules);
    return check;
  };
  if (is_decided(pass.sync))
    return with(in_force(choices, *pass.sync));
  PassCheck out = with(choices.empty() ? MigrationParameters{} : choices[0]);
  // QEMU did not switch, so the new parameters were not in force yet.
  if (choices.size() > 1 && out.verdict == Verdict::close)
    if (PassCheck old = with(choices[1]); old.verdict == Verdict::too_much)
      return old;
  return out;
}

// Where a sample tells something else, as far as it is printed.
std::string by_trace(const TracedPass& traced) {
  if (!traced.sampled_bytes)
    return " by QEMU's trace";
  std::string sampled = mib(static_cast<double>(*traced.sampled_bytes));
  return sampled == mib(static_cast<double>(*traced.pending_bytes))
             ? ""
             : fmt::format(" by QEMU's trace ({} in the sample)", sampled);
}

// What the allowed bytes are made of.
std::string rate(const PassCheck& check) {
  if (!check.bandwidth)
    return "";
  return fmt::format(
      " ({}{}/s x {})",
      check.bandwidth_is_set ? "avail-switchover-bandwidth " : "",
      mib(*check.bandwidth),
      check.downtime_limit_ms ? fmt::format("{} ms", *check.downtime_limit_ms)
                              : "downtime-limit");
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
  Rules rules = rules_of(timeline);
  std::vector<Pass> passes = live(marks, timeline, by_command);
  std::vector<PassCheck> out;
  for (size_t i = 0; i < passes.size(); ++i) {
    auto next = i + 1 < passes.size() ? std::optional(passes[i + 1].mark.latest)
                                      : std::nullopt;
    out.push_back(judge(passes[i],
                        parameters_of(timeline, passes[i].mark.latest, next),
                        rules, switched && !next));
  }
  return out;
}

bool is_by_trace(const PassCheck& check) {
  return check.traced && check.traced->pending_bytes &&
         check.traced->allowed_bytes;
}

std::string describe(const PassCheck& check) {
  std::string text;
  if (check.pending_bytes)
    text = mib(static_cast<double>(*check.pending_bytes)) + " left";
  if (is_by_trace(check))
    text += by_trace(*check.traced);
  if (check.pending_bytes && !is_after_sync(check) && check.sample_delay_ms)
    text += fmt::format(" {:.1f} ms into the pass", *check.sample_delay_ms);
  if (!check.pending_bytes)
    text = "no sample tells what was left";
  if (check.verdict == Verdict::no_bandwidth)
    return text + ", nothing allowed: no bandwidth was measured yet";
  if (!check.allowed_bytes)
    return text + ", bandwidth or downtime-limit unknown";
  text +=
      fmt::format(", {} allowed{}",
                  mib(static_cast<double>(*check.allowed_bytes)), rate(check));
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
  if (check.verdict == Verdict::switched && is_by_trace(check) &&
      *check.pending_bytes > *check.allowed_bytes)
    text += ": all of it was sent, and no other sync came before the switch";
  if (check.verdict == Verdict::ack)
    text += ": switchover-ack waits for the destination";
  if (check.verdict == Verdict::enough)
    text += ": little enough, and yet no switchover followed";
  if (check.verdict == Verdict::close)
    text += ": too close to tell what QEMU saw, or devices had more";
  if (check.at_max_bandwidth)
    text += "; that rate is max-bandwidth, which the pause is not held to";
  if (check.throttle_percent.value_or(0) > 0)
    text += fmt::format("; guest throttled by {} %", *check.throttle_percent);
  return text;
}

} // namespace migscope::analyzer
