#include "tools/render/json_parts.h"
#include "tools/render/service.h"

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

Json outage(const Outage& value) {
  return Json::object()
      .set("start_ms", value.start_ms)
      .set("silent_ms", value.silent_ms)
      .set("ended", value.ended)
      .set("probes", value.probes)
      .set("lost", value.lost)
      .set("late", value.late);
}

Json pause(const std::optional<PauseOutage>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("start_ms", value->start_ms)
      .set("before_ms", value->before_ms)
      .set("pause_ms", value->pause_ms)
      .set("recovery_ms", value->recovery_ms)
      .set("total_ms", value->total_ms)
      .set("clock_error_ms", value->clock_error_ms)
      .set("lost", value->lost)
      .set("late", value->late);
}

Json stretch(const ServiceStretch& value) {
  return Json::object()
      .set("start_ms", value.start_ms)
      .set("duration_ms", value.duration_ms)
      .set("sent", value.sent)
      .set("lost", value.lost)
      .set("min_ms", value.min_ms)
      .set("max_ms", value.max_ms);
}

Json delay(const Service& value) {
  return Json::object()
      .set("min_ms", value.min_ms)
      .set("median_ms", value.median_ms)
      .set("mean_ms", value.mean_ms)
      .set("p99_ms", value.p99_ms)
      .set("max_ms", value.max_ms);
}

Json jitter(const Service& value) {
  return Json::object()
      .set("rfc3550_mean_ms", value.jitter_rfc3550_ms)
      .set("rfc3550_max_ms", value.jitter_rfc3550_max_ms)
      .set("mean_difference_ms", value.jitter_difference_ms);
}

} // namespace

Json service_json(const std::optional<Service>& value) {
  if (!value)
    return {};
  return Json::object()
      .set("target", value->target)
      .set("interval_ms", value->interval_ms)
      .set("start_ms", value->start_ms)
      .set("duration_ms", value->duration_ms)
      .set("sent", value->sent)
      .set("answered", value->answered)
      .set("lost", value->lost)
      .set("loss_percent", value->loss_percent)
      .set("late", value->late)
      .set("duplicates", value->duplicates)
      .set("reordered", value->reordered)
      .set("delay", delay(*value))
      .set("jitter", jitter(*value))
      .set("throughput_bits_per_second", value->throughput)
      .set("longest_gap_ms", value->longest_gap_ms)
      .set("outages", list(value->outages, outage))
      .set("pause", pause(value->pause))
      .set("stretches", list(value->stretches, stretch))
      .set("failures", value->failures)
      .set("failure", value->failure);
}

} // namespace migscope::tools
