#include "tools/live/live_figures.h"

#include "analyzer/switchover.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;
using qmp::MigrationStatus;

namespace {

template <typename T>
void keep_newest(std::vector<T>& values, size_t most) {
  if (values.size() > most)
    values.erase(values.begin(), values.end() - static_cast<ptrdiff_t>(most));
}

std::optional<double> largest(std::optional<double> a,
                              std::optional<double> b) {
  return a && b ? std::max(*a, *b) : a ? a : b;
}

// Two points each become one.
void halve(std::vector<LivePoint>& points) {
  size_t kept = 0;
  for (size_t i = 0; i + 1 < points.size(); i += 2) {
    const LivePoint &a = points[i], &b = points[i + 1];
    points[kept++] = {a.t_ms, largest(a.sent, b.sent),
                      largest(a.dirtied, b.dirtied), largest(a.left, b.left)};
  }
  points.resize(kept);
}

std::optional<double> dirty_rate(const qmp::RamStats& ram) {
  if (!ram.dirty_pages_rate)
    return {};
  return static_cast<double>(*ram.dirty_pages_rate) *
         static_cast<double>(ram.page_size.value_or(4096));
}

} // namespace

void LiveFigures::add(const captures::MonitorLine& line) {
  builder_.add(line);
  Timeline news = builder_.take();
  if (!news.samples.empty())
    model_.answered_s = static_cast<double>(line.time.wall.ns) / 1e9;
  take(news);
}

void LiveFigures::add_notice(const std::string& text) {
  model_.notices.push_back(text);
  keep_newest(model_.notices, LiveModel::kMostNotices);
}

void LiveFigures::take(const Timeline& news) {
  if (news.source_version) {
    known_.source_version = news.source_version;
    model_.qemu =
        fmt::format("{}.{}.{}", news.source_version->major,
                    news.source_version->minor, news.source_version->micro);
  }
  if (!news.source_capabilities.is_null())
    known_.source_capabilities = news.source_capabilities;
  for (const ParametersMark& mark : news.parameters) {
    known_.parameters.push_back(mark);
    keep_newest(known_.parameters, 2);
    model_.limit_ms = mark.values.downtime_limit_ms;
  }
  for (const StatusMark& mark : news.source_statuses)
    take_status(mark.status, mark.mark.arrival.mono);
  for (const PassMark& mark : news.passes) {
    MonoTime time = mark.mark.arrival.mono;
    take_pass(mark.pass, time, time);
    pass_by_event_ = true;
  }
  for (const Sample& sample : news.samples)
    take_sample(sample);
}

// An end that is seen before any beginning is an earlier migration's.
void LiveFigures::take_status(MigrationStatus status, MonoTime time) {
  if (!start_ && !qmp::is_running(status))
    return;
  if (!start_)
    start_ = time;
  model_.status = status;
  model_.elapsed_ms = since_start(time);
}

void LiveFigures::take_pass(uint64_t pass, MonoTime earliest, MonoTime latest) {
  if (!start_ || pass <= model_.pass)
    return;
  model_.pass = pass;
  pass_earliest_ = earliest;
  pass_latest_ = latest;
  model_.pass_starts_ms.push_back(since_start(latest));
  keep_newest(model_.pass_starts_ms, LiveModel::kMostPasses);
}

void LiveFigures::take_sample(const Sample& sample) {
  const qmp::MigrationInfo& info = sample.info;
  if (!info.status || !(start_ || qmp::is_running(*info.status)))
    return;
  if (!start_)
    start_ = sample.asked;
  // An event may be newer than the answer that was on its way.
  if (!model_.status || !qmp::is_final(*model_.status))
    model_.status = info.status;
  model_.elapsed_ms = info.total_time_ms
                          ? static_cast<double>(*info.total_time_ms)
                          : since_start(sample.answered);
  model_.expected_ms = info.expected_downtime_ms;
  model_.downtime_ms = info.downtime_ms;
  model_.throttle_percent = info.cpu_throttle_percentage;
  if (!info.ram)
    return;
  // Events count what was synced before a sample's counter is asked for.
  if (auto count = info.ram->dirty_sync_count)
    take_pass(*count,
              known_.samples.empty() ? sample.asked
                                     : known_.samples.back().answered,
              sample.answered);
  add_point(sample);
  check_pass(sample);
  known_.samples.assign(1, sample);
}

void LiveFigures::add_point(const Sample& sample) {
  const qmp::RamStats& ram = *sample.info.ram;
  model_.left = ram.remaining;
  model_.total = ram.total;
  model_.transferred = ram.transferred;
  model_.postcopy_requests = ram.postcopy_requests;
  model_.sent.reset();
  if (ram.mbps)
    model_.sent = *ram.mbps * 1e6 / 8;
  model_.dirtied = dirty_rate(ram);
  std::optional<double> left;
  if (ram.remaining)
    left = static_cast<double>(*ram.remaining);
  model_.points.push_back(
      {model_.elapsed_ms, model_.sent, model_.dirtied, left});
  if (model_.points.size() == LiveModel::kMostPoints)
    halve(model_.points);
}

// By the first sample that shows the pass.
void LiveFigures::check_pass(const Sample& sample) {
  if (sample.info.status != MigrationStatus::active || !pass_latest_ ||
      sample.info.ram->dirty_sync_count != model_.pass ||
      (!model_.checks.empty() && model_.checks.back().pass == model_.pass))
    return;
  known_.samples.push_back(sample);
  auto checks =
      check_passes({{model_.pass, *pass_earliest_, *pass_latest_, false,
                     pass_by_event_ ? Boundary::event : Boundary::inferred}},
                   known_, false);
  model_.checks.insert(model_.checks.end(), checks.begin(), checks.end());
  keep_newest(model_.checks, LiveModel::kMostPasses);
}

double LiveFigures::since_start(MonoTime time) const {
  return std::max(0.0, to_ms(time - *start_));
}

} // namespace migscope::tools
