#include "analyzer/service/read_service.h"

#include "base/counted.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

std::string pause_text(const PauseOutage& pause) {
  if (!pause.total_ms)
    return fmt::format("no answer came after RESUME; the pause itself was "
                       "{:.1f} ms",
                       pause.pause_ms);
  return fmt::format("around the pause no answer came for {:.1f} ms: {:.1f} "
                     "until STOP, {:.1f} of pause, {:.1f} from RESUME to the "
                     "first answer; {} of its probes lost, {} late",
                     *pause.total_ms, pause.before_ms, pause.pause_ms,
                     *pause.recovery_ms, pause.lost, pause.late);
}

std::string outages_text(const std::vector<Outage>& outages) {
  auto longest = std::ranges::max_element(outages, {}, &Outage::silent_ms);
  return fmt::format("{}, the longest {:.1f} ms from {:+.1f} ms",
                     counted(outages.size(), "silence"), longest->silent_ms,
                     longest->start_ms);
}

} // namespace

std::optional<Service> read_service(Input& input,
                                    const captures::Recording& recording,
                                    std::optional<MonoTime> zero,
                                    const std::optional<PauseTimes>& pause) {
  if (!recording.probe_log)
    return std::nullopt;
  const std::string name = recording.name_of(*recording.probe_log);
  std::optional<Error> torn;
  auto series = read_probes(*recording.probe_log, &torn);
  if (!series) {
    add_problem(input, Severity::error, name, series.error());
    return std::nullopt;
  }
  if (torn)
    add_problem(input, Severity::error, name, *torn);
  return measure(*series, zero, pause);
}

std::optional<Finding> service_finding(const Service& service) {
  if (service.sent == 0)
    return std::nullopt;
  std::string text =
      fmt::format("{} answered {} of {}", service.target, service.answered,
                  counted(service.sent, "probe"));
  if (service.pause)
    text += "; " + pause_text(*service.pause);
  else if (!service.outages.empty())
    text += "; " + outages_text(service.outages);
  if (service.failures)
    text += fmt::format("; {} could not be sent or were refused: {}",
                        service.failures, service.failure);
  return Finding{"service",
                 service.answered ? Severity::info : Severity::warning, text,
                 fmt::format("probes every {} ms", service.interval_ms)};
}

} // namespace migscope::analyzer
