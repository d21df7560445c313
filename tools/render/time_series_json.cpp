#include "tools/render/time_series_json.h"

#include "tools/render/json_parts.h"

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

Json sample(const SamplePoint& value) {
  return Json::object()
      .set("t_ms", value.t_ms)
      .set("status", to_string(value.status))
      .set("remaining_bytes", value.remaining_bytes)
      .set("transferred_bytes", value.transferred_bytes)
      .set("mbps", value.mbps)
      .set("dirty_bytes_per_second", value.dirty_bytes_per_second)
      .set("expected_downtime_ms", value.expected_downtime_ms)
      .set("throttle_percent", value.throttle_percent);
}

Json pass(const PassTime& value) {
  return Json::object().set("pass", value.pass).set("t_ms", value.t_ms);
}

Json status(const StatusTime& value) {
  return Json::object()
      .set("status", to_string(value.status))
      .set("t_ms", value.t_ms);
}

Json limit(const LimitTime& value) {
  return Json::object()
      .set("t_ms", value.t_ms)
      .set("downtime_limit_ms", value.downtime_limit_ms)
      .set("max_bandwidth", value.max_bandwidth);
}

} // namespace

Json time_series_json(const TimeSeries& value) {
  return Json::object()
      .set("samples", list(value.samples, sample))
      .set("passes", list(value.passes, pass))
      .set("statuses", list(value.statuses, status))
      .set("limits", list(value.limits, limit))
      .set("stop_ms", value.stop_ms)
      .set("resume_ms", value.resume_ms);
}

} // namespace migscope::tools
