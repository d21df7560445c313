#include "tools/render/service.h"

#include "base/counted.h"
#include "tools/render/text_layout.h"

#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kMostOutages = 12;

std::string count_line(const Service& service) {
  return wrap(
      fmt::format("{} every {:g} ms to {}: {} answered, {} lost ({} %), {} "
                  "later than {:g} ms, {} reordered, {} twice",
                  counted(service.sent, "probe"), service.interval_ms,
                  service.target, service.answered, service.lost,
                  figure(service.loss_percent, 3), service.late, to_ms(kLate),
                  service.reordered, service.duplicates),
      2);
}

std::string delay_table(const Service& service) {
  return table({{"min", "median", "mean", "p99", "max", "ms"},
                {figure(service.min_ms, 3), figure(service.median_ms, 3),
                 figure(service.mean_ms, 3), figure(service.p99_ms, 3),
                 figure(service.max_ms, 3), "delay, there and back"}});
}

std::string other_lines(const Service& service) {
  std::string out = wrap(
      fmt::format("jitter: {} ms by RFC 3550 (mean of its estimate; at most "
                  "{}), {} ms mean absolute difference",
                  figure(service.jitter_rfc3550_ms, 3),
                  figure(service.jitter_rfc3550_max_ms, 3),
                  figure(service.jitter_difference_ms, 3)),
      2);
  if (service.throughput)
    out += wrap(fmt::format("throughput of the answers: {:.1f} kbit/s",
                            *service.throughput / 1000),
                2);
  // Else it says nothing of the guest.
  if (service.longest_gap_ms > 5 * service.interval_ms)
    out += wrap(fmt::format("the prober itself did not run for up to {}",
                            format_ms(service.longest_gap_ms)),
                2);
  if (service.failures)
    out += wrap(fmt::format("{} times the system refused: {}", service.failures,
                            service.failure),
                2);
  return out;
}

std::string pause_table(const PauseOutage& pause) {
  std::vector<Row> rows{{"ms", "of the silence around the pause"}};
  auto row = [&](std::optional<double> ms, const char* what) {
    rows.push_back({figure(ms, 1), what});
  };
  row(pause.before_ms, "from the last probe that was answered to STOP");
  row(pause.pause_ms, "STOP to RESUME: the hypervisor");
  row(pause.recovery_ms, "RESUME to the first answer: the network");
  row(pause.total_ms, "together");
  return "\n" + table(rows);
}

std::string outages_table(const std::vector<Outage>& outages) {
  if (outages.empty())
    return "";
  std::vector<Row> rows{
      {"at ms", "silent ms", "probes due", "lost", "late", "silence"}};
  for (const Outage& outage : outages)
    rows.push_back({fmt::format("{:.1f}", outage.start_ms),
                    fmt::format("{:.1f}", outage.silent_ms),
                    figure(outage.probes), figure(outage.lost),
                    figure(outage.late),
                    outage.ended ? "" : "not over at the last probe"});
  return "\n" + table(shortened(std::move(rows), kMostOutages));
}

} // namespace

std::string service_text(const Service& service) {
  if (service.sent == 0)
    return wrap("no probe was sent to " + service.target, 2);
  std::string out =
      count_line(service) + delay_table(service) + other_lines(service);
  if (service.pause)
    out += pause_table(*service.pause);
  return out + outages_table(service.outages);
}

} // namespace migscope::tools
