#include "tools/campaign/measures.h"

#include "base/units.h"

#include <array>

namespace migscope::tools {

using analyzer::Analysis;

namespace {

using Value = std::optional<double>;

template <typename T>
Value number(const std::optional<T>& value) {
  return value ? Value(static_cast<double>(*value)) : std::nullopt;
}

Value transferred(const Analysis& analysis) {
  const auto& bytes = analysis.outcome.transferred_bytes;
  return bytes ? Value(mib(*bytes)) : std::nullopt;
}

// Of all the time that QEMU says the migration took.
Value throughput(const Analysis& analysis) {
  const auto& outcome = analysis.outcome;
  if (!outcome.transferred_bytes || outcome.total_ms.value_or(0) <= 0)
    return std::nullopt;
  return static_cast<double>(*outcome.transferred_bytes) * 8 / 1000 /
         *outcome.total_ms;
}

Value guest_pause(const Analysis& analysis) {
  return analysis.downtime.guest ? Value(analysis.downtime.guest->ms)
                                 : std::nullopt;
}

template <typename T>
Value of_service(const Analysis& analysis,
                 std::optional<T> analyzer::Service::*member) {
  return analysis.service ? number((*analysis.service).*member) : std::nullopt;
}

Value of_pause(const Analysis& analysis,
               std::optional<double> analyzer::PauseOutage::*member) {
  return analysis.service && analysis.service->pause
             ? (*analysis.service->pause).*member
             : std::nullopt;
}

// An estimate: each way is taken to be as long as the other.
Value one_way_delay(const Analysis& analysis) {
  Value both = of_service(analysis, &analyzer::Service::median_ms);
  return both ? Value(*both / 2) : std::nullopt;
}

struct Measure {
  MeasureInfo info;
  Value (*take)(const Analysis&);
};

using analyzer::PauseOutage;
using analyzer::Service;

const std::array<Measure, 17>& all() {
  static const std::array<Measure, 17> list{{
      {{"migration_time_ms", "migration time", "ms"},
       [](const Analysis& a) { return a.outcome.total_ms; }},
      {{"downtime_ms", "downtime, STOP to RESUME", "ms"},
       [](const Analysis& a) { return a.downtime.total_ms; }},
      {{"qemu_downtime_ms", "downtime, as QEMU says", "ms"},
       [](const Analysis& a) { return a.downtime.qemu_ms; }},
      {{"guest_pause_ms", "pause, as the guest felt it", "ms"}, guest_pause},
      {{"transferred_mib", "transferred data", "MiB"}, transferred},
      {{"throughput_mbit_s", "throughput of the migration", "Mbit/s"},
       throughput},
      {{"dirty_syncs", "dirty-bitmap syncs", ""},
       [](const Analysis& a) { return number(a.outcome.dirty_syncs); }},
      {{"page_requests", "pages that the destination asked for", ""},
       [](const Analysis& a) { return number(a.outcome.page_requests); }},
      {{"loss_percent", "loss of probes", "%"},
       [](const Analysis& a) { return of_service(a, &Service::loss_percent); }},
      {{"delay_ms", "delay there and back, median", "ms"},
       [](const Analysis& a) { return of_service(a, &Service::median_ms); }},
      {{"one_way_delay_ms", "delay one way, half of there and back", "ms"},
       one_way_delay},
      {{"delay_p99_ms", "delay there and back, 99th percentile", "ms"},
       [](const Analysis& a) { return of_service(a, &Service::p99_ms); }},
      {{"jitter_ms", "jitter by RFC 3550, mean", "ms"},
       [](const Analysis& a) {
         return of_service(a, &Service::jitter_rfc3550_ms);
       }},
      {{"jitter_difference_ms", "jitter, mean absolute difference", "ms"},
       [](const Analysis& a) {
         return of_service(a, &Service::jitter_difference_ms);
       }},
      {{"service_bits_s", "throughput of the guest's answers", "bit/s"},
       [](const Analysis& a) { return of_service(a, &Service::throughput); }},
      {{"outage_ms", "silence around the pause", "ms"},
       [](const Analysis& a) { return of_pause(a, &PauseOutage::total_ms); }},
      {{"recovery_ms", "recovery of the network after RESUME", "ms"},
       [](const Analysis& a) {
         return of_pause(a, &PauseOutage::recovery_ms);
       }},
  }};
  return list;
}

} // namespace

std::string heading(const MeasureInfo& measure) {
  return measure.unit.empty() ? measure.title
                              : measure.title + ", " + measure.unit;
}

std::span<const MeasureInfo> measures() {
  static const std::vector<MeasureInfo> list = [] {
    std::vector<MeasureInfo> out;
    for (const Measure& measure : all())
      out.push_back(measure.info);
    return out;
  }();
  return list;
}

std::map<std::string, double> measure_run(const Analysis& analysis) {
  std::map<std::string, double> out;
  for (const Measure& measure : all())
    if (auto value = measure.take(analysis))
      out[measure.info.name] = *value;
  return out;
}

} // namespace migscope::tools
