#include "tools/metrics/exposition.h"

#include "tools/live/end_estimate.h"

#include <cmath>
#include <fmt/format.h>

namespace migscope::tools {

using qmp::MigrationStatus;

namespace {

// Of a label: what is no printable ASCII becomes '?', as names may come from a
// hostile peer.
std::string label(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out;
}

class Exposition {
public:
  void head(std::string_view name, std::string_view type,
            std::string_view help) {
    out_ += fmt::format("# HELP migscope_{0} {2}\n# TYPE migscope_{0} {1}\n",
                        name, type, help);
  }
  void sample(std::string_view name, std::string_view labels, double value) {
    out_ +=
        fmt::format("migscope_{}{} {}\n", name,
                    labels.empty() ? "" : fmt::format("{{{}}}", labels), value);
  }
  void gauge(std::string_view name, std::optional<double> value,
             std::string_view help) {
    one(name, "gauge", value, help);
  }
  void counter(std::string_view name, std::optional<double> value,
               std::string_view help) {
    one(name, "counter", value, help);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  void one(std::string_view name, std::string_view type,
           std::optional<double> value, std::string_view help) {
    if (!value || !std::isfinite(*value))
      return;
    head(name, type, help);
    sample(name, "", *value);
  }

  std::string out_;
};

std::optional<double> number(std::optional<uint64_t> value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

std::optional<double> over(std::optional<double> value, double divisor) {
  return value ? std::optional(*value / divisor) : std::nullopt;
}

void add_identity(Exposition& out, const LiveModel& model) {
  out.head("build_info", "gauge", "Version of migscope.");
  out.sample("build_info", "version=\"" MIGSCOPE_VERSION "\"", 1);
  out.head("recording_info", "gauge", "What is recorded, and of which QEMU.");
  out.sample("recording_info",
             fmt::format("name=\"{}\",qemu=\"{}\"", label(model.name),
                         label(model.qemu)),
             1);
}

void add_status(Exposition& out, const LiveModel& model) {
  out.head("migration_status", "gauge",
           "Status of the migration as QEMU calls it, 1 for the one it has.");
  MigrationStatus now = model.status.value_or(MigrationStatus::none);
  auto statuses = qmp::migration_statuses();
  statuses.push_back(MigrationStatus::unknown);
  for (MigrationStatus status : statuses)
    out.sample("migration_status",
               fmt::format("status=\"{}\"", qmp::to_string(status)),
               status == now ? 1 : 0);
}

void add_pass(Exposition& out, const LiveModel& model) {
  if (model.checks.empty())
    return;
  const analyzer::PassCheck& check = model.checks.back();
  out.gauge("pass_pending_bytes", number(check.pending_bytes),
            "What the newest pass found dirty at its beginning.");
  out.gauge("switchover_allowed_bytes", number(check.allowed_bytes),
            "With how much left QEMU would have switched over in the newest "
            "pass: bandwidth times downtime-limit.");
}

void add_figures(Exposition& out, const LiveModel& model) {
  out.gauge("migration_elapsed_seconds", model.elapsed_ms / 1e3,
            "Time since the migration began.");
  out.counter("passes_total", number(model.pass),
              "Syncs of the dirty bitmap (dirty-sync-count).");
  out.counter("ram_transferred_bytes_total", number(model.transferred),
              "Bytes sent (transferred).");
  out.gauge("ram_remaining_bytes", number(model.left),
            "RAM left to send (remaining).");
  out.gauge("ram_size_bytes", number(model.total), "RAM of the guest (total).");
  out.gauge("ram_sent_bytes_per_second", model.sent,
            "Bandwidth as QEMU measured it last (mbps).");
  out.gauge("ram_dirtied_bytes_per_second", model.dirtied,
            "Dirty rate in the pass before (dirty-pages-rate).");
  add_pass(out, model);
  out.gauge("downtime_expected_seconds", over(number(model.expected_ms), 1e3),
            "Downtime that QEMU expects (expected-downtime).");
  out.gauge("downtime_limit_seconds", over(number(model.limit_ms), 1e3),
            "Longest downtime that QEMU aims at (downtime-limit).");
  out.gauge("downtime_seconds", over(number(model.downtime_ms), 1e3),
            "Downtime as QEMU gives it in the end (downtime).");
  out.gauge("cpu_throttle_ratio", over(number(model.throttle_percent), 100),
            "Share of time taken from the guest's CPUs by auto-converge.");
  out.counter("postcopy_requests_total", number(model.postcopy_requests),
              "Pages that the destination asked for.");
  EndEstimate end = estimate_end(model);
  out.gauge("end_earliest_seconds", end.earliest_s,
            "Time until the end if all goes well; absent where there is none.");
  out.gauge(
      "end_latest_seconds", end.latest_s,
      "Time until the end at the latest; absent where there may be none.");
  out.gauge("last_answer_timestamp_seconds", model.answered_s,
            "When QEMU last answered query-migrate.");
}

} // namespace

std::string exposition(const LiveModel& model) {
  Exposition out;
  add_identity(out, model);
  add_status(out, model);
  if (model.status)
    add_figures(out, model);
  return out.take();
}

} // namespace migscope::tools
