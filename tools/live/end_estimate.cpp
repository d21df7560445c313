#include "tools/live/end_estimate.h"

#include "base/units.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace migscope::tools {

using analyzer::PassCheck;
using qmp::MigrationStatus;

namespace {

// Passes that say how they get smaller.
constexpr size_t kRecentPasses = 4;
// Passes that hardly shrink have no end that anybody waits for.
constexpr double kHardly = 0.97;

std::string seconds(double value) {
  if (value < 10)
    return fmt::format("{:.1f} s", value);
  if (value < 600)
    return fmt::format("{:.0f} s", value);
  return fmt::format("{:.0f} min", value / 60);
}

std::string mib(double bytes) {
  return fmt::format("{:.1f} MiB", migscope::mib(bytes));
}

// What a pass finds, as a part of what the one before found.
struct Shrinking {
  double best = 0, worst = 0;
};

std::optional<Shrinking> shrinking(const LiveModel& model, double bandwidth) {
  std::vector<double> parts;
  if (model.dirtied && model.pass > 1)
    parts.push_back(*model.dirtied / bandwidth);
  const auto& checks = model.checks;
  // The first pass finds all of memory; what follows is the guest's doing.
  size_t first =
      checks.size() > kRecentPasses ? checks.size() - kRecentPasses : 0;
  for (size_t i = first; i + 1 < checks.size(); ++i)
    if (checks[i].pass > 1 && checks[i].pending_bytes.value_or(0) > 0 &&
        checks[i + 1].pending_bytes)
      parts.push_back(static_cast<double>(*checks[i + 1].pending_bytes) /
                      static_cast<double>(*checks[i].pending_bytes));
  if (parts.empty())
    return {};
  auto [best, worst] = std::ranges::minmax(parts);
  return Shrinking{best, worst};
}

struct Course {
  double left = 0;      // bytes, of this pass
  double found = 0;     // bytes, at its sync
  double bandwidth = 0; // bytes/s
  double allowed = 0;   // bytes

  // Nothing where it never gets there.
  [[nodiscard]] std::optional<double> seconds_to_end(double part) const {
    double bytes = left, next = found * part;
    while (next > allowed) {
      if (part >= kHardly)
        return {};
      bytes += next;
      next *= part;
    }
    return (bytes + next) / bandwidth;
  }
};

std::string per_pass(const Shrinking& parts) {
  auto times = [](double part) {
    return part > 0 ? fmt::format("{:.1f}x", std::min(1 / part, 999.9))
                    : std::string("to nothing");
  };
  return times(parts.worst) == times(parts.best)
             ? times(parts.best)
             : fmt::format("{} to {}", times(parts.worst), times(parts.best));
}

std::string in_time(double earliest, double latest) {
  if (seconds(earliest) == seconds(latest))
    return "in about " + seconds(earliest);
  return fmt::format("in {} to {}", seconds(earliest), seconds(latest));
}

EndEstimate precopy(const LiveModel& model, const Course& course) {
  auto parts = shrinking(model, course.bandwidth);
  if (!parts) {
    double pass = course.left / course.bandwidth;
    return {pass,
            {},
            fmt::format("in {} at the earliest: how much the guest dirties is "
                        "known then",
                        seconds(pass))};
  }
  EndEstimate out{course.seconds_to_end(parts->best),
                  course.seconds_to_end(parts->worst), ""};
  if (out.latest_s)
    out.text =
        fmt::format("{}: passes shrink {}",
                    in_time(*out.earliest_s, *out.latest_s), per_pass(*parts));
  else if (out.earliest_s)
    out.text = fmt::format("in {} at the earliest, if at all: passes shrink {}",
                           seconds(*out.earliest_s), per_pass(*parts));
  else
    out.text = fmt::format("not as it goes: passes shrink {}, and one leaves "
                           "{:.1f}x what is allowed",
                           per_pass(*parts),
                           course.found / std::max(course.allowed, 1.0));
  return out;
}

EndEstimate postcopy(const LiveModel& model) {
  if (!model.left || model.sent.value_or(0) <= 0)
    return {{}, {}, "unknown: no bandwidth was measured yet"};
  double time = static_cast<double>(*model.left) / *model.sent;
  return {time, time,
          fmt::format("in about {}: {} left at {}/s", seconds(time),
                      mib(static_cast<double>(*model.left)), mib(*model.sent))};
}

} // namespace

EndEstimate estimate_end(const LiveModel& model) {
  if (!model.status || *model.status == MigrationStatus::none)
    return {};
  if (*model.status == MigrationStatus::postcopy_active)
    return postcopy(model);
  if (qmp::is_final(*model.status))
    return {0, 0, "now"};
  if (*model.status != MigrationStatus::active)
    return {};
  if (!model.left || model.sent.value_or(0) <= 0 || model.checks.empty())
    return {{}, {}, "unknown: no bandwidth was measured yet"};
  const PassCheck& check = model.checks.back();
  Course course{static_cast<double>(*model.left),
                static_cast<double>(check.pending_bytes.value_or(*model.left)),
                *model.sent,
                static_cast<double>(check.allowed_bytes.value_or(0))};
  // Of the first pass the sync told no bandwidth.
  if (course.allowed <= 0)
    course.allowed =
        *model.sent * static_cast<double>(model.limit_ms.value_or(0)) / 1e3;
  return precopy(model, course);
}

} // namespace migscope::tools
