#include "base/clock.h"
#include "tools/render/text_layout.h"
#include "tools/report/cells.h"
#include "tools/report/sections.h"

#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kMostOutages = 200;

DataTable figures_table(const Service& service) {
  DataTable out{
      fmt::format("{}, every {:g} ms", service.target, service.interval_ms),
      {{"figure", false}, {"value"}},
      {}};
  auto row = [&](const char* name, Cell value) {
    out.rows.push_back({word(name), std::move(value)});
  };
  row("probes", count(service.sent));
  row("answered", count(service.answered));
  row("lost", count(service.lost));
  row("lost, %", decimal(service.loss_percent, 3));
  row("answered after more than 100 ms", count(service.late));
  row("reordered", count(service.reordered));
  row("delay, least, ms", decimal(service.min_ms, 3));
  row("delay, median, ms", decimal(service.median_ms, 3));
  row("delay, 99th percentile, ms", decimal(service.p99_ms, 3));
  row("delay, most, ms", decimal(service.max_ms, 3));
  row("jitter by RFC 3550, mean, ms", decimal(service.jitter_rfc3550_ms, 3));
  row("jitter, mean absolute difference, ms",
      decimal(service.jitter_difference_ms, 3));
  return out;
}

DataTable pause_table(const PauseOutage& pause) {
  DataTable out{"The silence around the pause", {{"piece", false}, {"ms"}}, {}};
  out.rows = {{word("from the last probe that was answered to STOP"),
               decimal(pause.before_ms)},
              {word("STOP to RESUME: the hypervisor"), decimal(pause.pause_ms)},
              {word("RESUME to the first answer: the network"),
               decimal(pause.recovery_ms)},
              {word("together"), decimal(pause.total_ms)}};
  return out;
}

DataTable outages_table(const std::vector<Outage>& outages) {
  DataTable out{"Silences",
                {{"at ms"},
                 {"silent ms"},
                 {"probes due"},
                 {"lost"},
                 {"late"},
                 {"over", false}},
                {}};
  for (const Outage& outage : outages)
    out.rows.push_back({decimal(outage.start_ms), decimal(outage.silent_ms),
                        count(outage.probes), count(outage.lost),
                        count(outage.late),
                        word(outage.ended ? "yes" : "not at the last probe")});
  out.rows = some_rows(std::move(out.rows), kMostOutages);
  return out;
}

ServiceChart chart_of(const Analysis& analysis) {
  ServiceChart out;
  for (const ServiceStretch& stretch : analysis.service->stretches)
    if (stretch.sent > 0)
      out.bars.push_back({stretch.start_ms, stretch.duration_ms, stretch.min_ms,
                          stretch.max_ms,
                          static_cast<double>(stretch.lost) /
                              static_cast<double>(stretch.sent)});
  out.stop_ms = analysis.time_series.stop_ms;
  out.resume_ms = analysis.time_series.resume_ms;
  return out;
}

} // namespace

Section service_section(const Analysis& analysis) {
  Section out{"service", "What the guest's clients felt", "", "", {}, {}};
  if (!analysis.service || analysis.service->sent == 0)
    return out;
  const Service& service = *analysis.service;
  out.service = chart_of(analysis);
  if (service.pause)
    out.tables.push_back(pause_table(*service.pause));
  out.tables.push_back(figures_table(service));
  if (!service.outages.empty())
    out.tables.push_back(outages_table(service.outages));
  return out;
}

} // namespace migscope::tools
