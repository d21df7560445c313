#include "analyzer/switchover.h"
#include "base/counted.h"
#include "tools/report/cells.h"
#include "tools/report/reduce.h"
#include "tools/report/sections.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kMostMarks = 400;
constexpr size_t kMostPasses = 100; // rows
constexpr double kMib = 1 << 20;

template <typename Value>
Curve curve(const std::vector<SamplePoint>& samples, size_t buckets,
            Value value) {
  Curve out;
  for (const SamplePoint& sample : samples) {
    out.t_ms.push_back(sample.t_ms);
    out.values.push_back(value(sample));
  }
  return reduced(std::move(out), buckets);
}

std::optional<double> scaled(std::optional<double> value, double unit) {
  return value ? std::optional(*value / unit) : value;
}

std::optional<double> as_double(std::optional<uint64_t> value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

// A parameter holds until the next one is seen, so it is drawn in steps.
template <typename Value>
Curve steps(const std::vector<LimitTime>& limits, double begin, double end,
            size_t buckets, Value value) {
  Curve out;
  for (const LimitTime& limit : limits) {
    out.t_ms.push_back(out.t_ms.empty() ? begin : limit.t_ms);
    out.values.push_back(value(limit));
  }
  if (!out.t_ms.empty()) {
    out.t_ms.push_back(std::max(end, out.t_ms.back()));
    out.values.push_back(out.values.back());
  }
  return reduced(std::move(out), buckets);
}

Curve allowed(const Analysis& analysis, size_t buckets) {
  Curve out;
  const auto& passes = analysis.time_series.passes;
  auto time = passes.begin();
  for (const PassCheck& check : analysis.passes) {
    time = std::find_if(time, passes.end(), [&](const PassTime& pass) {
      return pass.pass >= check.pass;
    });
    if (time == passes.end() || time->pass != check.pass ||
        !check.allowed_bytes)
      continue;
    out.t_ms.push_back(time->t_ms);
    out.values.push_back(static_cast<double>(*check.allowed_bytes) / kMib);
  }
  return reduced(std::move(out), buckets);
}

bool throttled(const SamplePoint& sample) {
  return sample.throttle_percent.value_or(0) > 0;
}

void add_marks(TimelineData& out, const TimeSeries& series) {
  for (auto [first, end] : grouped(series.passes.size(), kMostMarks)) {
    const PassTime& pass = series.passes[first];
    out.passes.push_back({pass.t_ms, fmt::format("pass {}", pass.pass)});
  }
  for (const StatusTime& status : series.statuses)
    if (out.statuses.size() < kMostMarks)
      out.statuses.push_back(
          {status.t_ms, std::string(qmp::to_string(status.status))});
}

DataTable passes_table(const std::vector<PassCheck>& passes) {
  DataTable out{"Why each pass did not switch over yet",
                {{"pass"},
                 {"left MiB"},
                 {"allowed MiB"},
                 {"MiB/s"},
                 {"limit ms"},
                 {"needs ms"},
                 {"expected ms"},
                 {"throttle %"},
                 {"verdict", false, true}},
                {}};
  for (const PassCheck& check : passes)
    out.rows.push_back(
        {count(check.pass), mib(check.pending_bytes), mib(check.allowed_bytes),
         mib(check.bandwidth), count(check.downtime_limit_ms),
         count(check.needed_limit_ms), decimal(check.expected_downtime_ms, 0),
         count(check.throttle_percent), word(describe(check))});
  out.rows = some_rows(std::move(out.rows), kMostPasses);
  return out;
}

} // namespace

std::optional<TimelineData> timeline(const Analysis& analysis, size_t buckets) {
  const TimeSeries& series = analysis.time_series;
  if (series.samples.empty())
    return {};
  TimelineData out;
  out.samples = series.samples.size();
  const double last = series.samples.back().t_ms;
  out.end_ms = std::max(last, series.resume_ms.value_or(last));
  const auto& samples = series.samples;
  out.sent = curve(samples, buckets, [](const SamplePoint& s) {
    return scaled(s.mbps, kMib * 8 / 1e6); // Mbit/s
  });
  out.dirtied = curve(samples, buckets, [](const SamplePoint& s) {
    return scaled(s.dirty_bytes_per_second, kMib);
  });
  out.remaining = curve(samples, buckets, [](const SamplePoint& s) {
    return scaled(as_double(s.remaining_bytes), kMib);
  });
  out.expected_ms = curve(samples, buckets, [](const SamplePoint& s) {
    return as_double(s.expected_downtime_ms);
  });
  if (std::ranges::any_of(samples, throttled))
    out.throttle = curve(samples, buckets, [](const SamplePoint& s) {
      return as_double(s.throttle_percent);
    });
  out.max_bandwidth =
      steps(series.limits, 0, out.end_ms, buckets, [](const LimitTime& limit) {
        return scaled(as_double(limit.max_bandwidth), kMib);
      });
  out.limit_ms =
      steps(series.limits, 0, out.end_ms, buckets, [](const LimitTime& limit) {
        return as_double(limit.downtime_limit_ms);
      });
  out.allowed = allowed(analysis, buckets);
  add_marks(out, series);
  out.stop_ms = series.stop_ms;
  out.resume_ms = series.resume_ms;
  return out;
}

Section timeline_section(const Analysis& analysis) {
  Section out{"timeline", "The migration in time", "", "", {}, {}};
  if (!analysis.time_series.samples.empty()) {
    out.chart = "timeline";
    out.lead = fmt::format(
        "As QEMU's query-migrate told in {}. Within a pass what is "
        "left only falls: what the guest dirties meanwhile is counted at the "
        "next sync, where it jumps up.",
        counted(analysis.time_series.samples.size(), "sample"));
  }
  if (!analysis.passes.empty())
    out.tables.push_back(passes_table(analysis.passes));
  if (out.chart.empty() && out.tables.empty())
    out.lead = "No monitor was recorded: nothing tells of rates and times.";
  return out;
}

} // namespace migscope::tools
