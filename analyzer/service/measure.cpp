#include "analyzer/service/measure.h"

#include "analyzer/quantiles.h"
#include "analyzer/service/jitter.h"

#include <algorithm>
#include <numeric>

namespace migscope::analyzer {
namespace {

constexpr int64_t kStretches = 400; // as many as a chart has room for

double delay_ms(const Probe& probe) {
  return to_ms(*probe.answered - probe.sent);
}

bool is_late(const Probe& probe) {
  return probe.answered && *probe.answered - probe.sent > kLate;
}

class Measurement {
public:
  Measurement(const ProbeSeries& series, MonoTime zero)
      : series_(series), zero_(zero) {}

  Service run(const std::optional<PauseTimes>& pause) {
    describe();
    if (series_.probes.empty())
      return std::move(out_);
    count();
    measure_delays();
    measure_jitter();
    find_outages();
    fill_stretches();
    if (pause)
      out_.pause = split(*pause);
    return std::move(out_);
  }

private:
  [[nodiscard]] double at(MonoTime time) const { return to_ms(time - zero_); }

  void describe() {
    out_.target = series_.setup.target;
    out_.interval_ms = to_ms(series_.setup.interval);
    out_.duplicates = series_.duplicates;
    out_.failures = series_.failures;
    out_.failure = series_.failure;
  }

  void count() {
    const auto& probes = series_.probes;
    out_.start_ms = at(probes.front().sent);
    out_.duration_ms = to_ms(probes.back().sent - probes.front().sent);
    out_.sent = probes.size();
    out_.answered = series_.answers.size();
    out_.lost = out_.sent - out_.answered;
    out_.late = static_cast<uint64_t>(std::ranges::count_if(probes, is_late));
    out_.loss_percent =
        100 * static_cast<double>(out_.lost) / static_cast<double>(out_.sent);
    for (size_t i = 1; i < probes.size(); ++i)
      out_.longest_gap_ms = std::max(
          out_.longest_gap_ms, to_ms(probes[i].sent - probes[i - 1].sent));
    uint64_t newest = 0;
    for (auto [time, sequence] : series_.answers) {
      out_.reordered += sequence < newest;
      newest = std::max(newest, sequence);
    }
    // A probe's share of the time is the interval behind it.
    double seconds = (out_.duration_ms + out_.interval_ms) / 1000;
    double bits = 8 * static_cast<double>(series_.setup.bytes);
    if (seconds > 0)
      out_.throughput = static_cast<double>(out_.answered) * bits / seconds;
  }

  void measure_delays() {
    if (series_.answers.empty())
      return;
    std::vector<double> delays;
    delays.reserve(series_.answers.size());
    for (const Probe& probe : series_.probes)
      if (probe.answered)
        delays.push_back(delay_ms(probe));
    std::ranges::sort(delays);
    out_.min_ms = delays.front();
    out_.median_ms = median_of_sorted(delays);
    out_.mean_ms = std::accumulate(delays.begin(), delays.end(), 0.0) /
                   static_cast<double>(delays.size());
    out_.p99_ms = nearest_rank(delays, 0.99);
    out_.max_ms = delays.back();
  }

  void measure_jitter() {
    Jitter jitter;
    for (auto [time, sequence] : series_.answers)
      jitter.add(delay_ms(series_.probes[sequence]));
    out_.jitter_rfc3550_ms = jitter.rfc3550_mean_ms();
    out_.jitter_rfc3550_max_ms = jitter.rfc3550_max_ms();
    out_.jitter_difference_ms = jitter.mean_difference_ms();
  }

  // The first probe sent at or after `time`.
  [[nodiscard]] size_t first_from(MonoTime time) const {
    auto it = std::ranges::lower_bound(series_.probes, time, {}, &Probe::sent);
    return static_cast<size_t>(it - series_.probes.begin());
  }

  void find_outages() {
    if (series_.answers.empty())
      return;
    MonoTime before = series_.answers.front().first;
    for (auto [time, sequence] : series_.answers)
      add_silence(std::exchange(before, time), time, true);
    if (before < series_.probes.back().sent)
      add_silence(before, series_.probes.back().sent, false);
  }

  // An answer's probe was sent about a median delay before.
  void add_silence(MonoTime from, MonoTime to, bool ended) {
    Nanos usual = from_ms(*out_.median_ms);
    // What was due at the edges belongs to the answers there.
    Nanos half = series_.setup.interval / 2;
    size_t first = first_from(from + -usual + half);
    size_t last = first_from(to + -usual + -half);
    if (last < first + kOutageProbes)
      return;
    Outage outage{at(from), to_ms(to - from), ended, last - first, 0, 0};
    count_missed(first, last, outage.lost, outage.late);
    out_.outages.push_back(outage);
  }

  void count_missed(size_t first, size_t last, uint64_t& lost,
                    uint64_t& late) const {
    for (size_t i = first; i < last; ++i) {
      lost += !series_.probes[i].answered;
      late += is_late(series_.probes[i]);
    }
  }

  // Where the guest ran until STOP, the last answer of before was to a probe
  // sent before STOP; and after RESUME an answer can only have been sent after
  // it.
  std::optional<PauseOutage> split(const PauseTimes& pause) const {
    const Probe* last = nullptr; // answered before the pause, sent last
    std::optional<MonoTime> first;
    for (auto [time, sequence] : series_.answers) {
      const Probe& probe = series_.probes[sequence];
      if (time < pause.resume && probe.sent <= pause.stop &&
          (!last || probe.sent > last->sent))
        last = &probe;
      if (time >= pause.resume && !first)
        first = time;
    }
    if (!last)
      return std::nullopt;
    PauseOutage out;
    out.start_ms = at(last->sent);
    out.before_ms = to_ms(pause.stop - last->sent);
    out.pause_ms = to_ms(pause.resume - pause.stop);
    out.clock_error_ms = pause.clock_error_ms;
    if (first) {
      out.recovery_ms = to_ms(*first - pause.resume);
      out.total_ms = to_ms(*first - last->sent);
    }
    count_missed(first_from(last->sent),
                 first ? first_from(*first) : series_.probes.size(), out.lost,
                 out.late);
    return out;
  }

  void fill_stretches() {
    const auto& probes = series_.probes;
    Nanos whole = probes.back().sent - probes.front().sent;
    Nanos each = std::max(series_.setup.interval, whole / kStretches);
    for (const Probe& probe : probes) {
      auto index =
          static_cast<size_t>((probe.sent - probes.front().sent) / each);
      while (out_.stretches.size() <= index)
        out_.stretches.push_back(
            {at(probes.front().sent +
                static_cast<int64_t>(out_.stretches.size()) * each),
             to_ms(each),
             0,
             0,
             {},
             {}});
      add_to(out_.stretches[index], probe);
    }
  }

  static void add_to(ServiceStretch& stretch, const Probe& probe) {
    ++stretch.sent;
    if (!probe.answered) {
      ++stretch.lost;
      return;
    }
    double delay = delay_ms(probe);
    stretch.min_ms = std::min(stretch.min_ms.value_or(delay), delay);
    stretch.max_ms = std::max(stretch.max_ms.value_or(delay), delay);
  }

  const ProbeSeries& series_;
  MonoTime zero_;
  Service out_;
};

} // namespace

Service measure(const ProbeSeries& series, std::optional<MonoTime> zero,
                const std::optional<PauseTimes>& pause) {
  MonoTime first =
      series.probes.empty() ? MonoTime{} : series.probes.front().sent;
  return Measurement(series, zero.value_or(first)).run(pause);
}

} // namespace migscope::analyzer
