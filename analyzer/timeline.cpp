#include "analyzer/timeline.h"

#include <algorithm>

namespace migscope::analyzer {

using captures::End;
using captures::MonitorLine;
using qmp::MigrationStatus;

// A recorder asks a few questions at a time.
constexpr size_t kMaxAsked = 1000;
// A year; more is no time that a migration has run.
constexpr uint64_t kMaxMs = 365ull * 24 * 3600 * 1000;

namespace {

std::vector<int64_t> vcpu_threads(const qmp::Json& reply) {
  std::vector<int64_t> out;
  for (const qmp::Json& cpu : reply.elements())
    if (auto id = cpu.get("thread-id").as_int())
      out.push_back(*id);
  return out;
}

} // namespace

ClockEvidence& TimelineBuilder::evidence(End end) {
  return end == End::source ? timeline_.source_evidence
                            : timeline_.destination_evidence;
}

void TimelineBuilder::add(const MonitorLine& line) {
  timeline_.readings.push_back(line.time);
  if (line.direction == qmp::Direction::sent)
    return add_sent(line);
  auto message = qmp::parse_message(line.text);
  if (!message) {
    ++timeline_.unreadable_lines;
    return;
  }
  if (auto* greeting = std::get_if<qmp::Greeting>(&*message))
    (line.end == End::source ? timeline_.source_version
                             : timeline_.destination_version) =
        greeting->version;
  else if (auto* reply = std::get_if<qmp::Reply>(&*message))
    add_reply(line, *reply);
  else if (auto* event = std::get_if<qmp::Event>(&*message))
    add_event(line, *event);
}

void TimelineBuilder::add_sent(const MonitorLine& line) {
  auto message = qmp::Json::parse(line.text);
  if (!message)
    return;
  auto command = message->get("execute").as_string();
  auto id = message->get("id").as_uint();
  if (!command || !id)
    return;
  evidence(line.end).sent(*command, line.time.mono);
  // Those that nobody answers: the oldest goes.
  if (asked_.size() == kMaxAsked)
    asked_.erase(std::ranges::min_element(
        asked_, {}, [](const auto& asked) { return asked.second.at; }));
  asked_[{line.end, *id}] = {*command, line.time.mono};
}

void TimelineBuilder::add_reply(const MonitorLine& line,
                                const qmp::Reply& reply) {
  auto asked = asked_.extract({line.end, reply.id});
  if (!asked)
    return;
  const Asked& question = asked.mapped();
  evidence(line.end).answered(question.at);
  if (question.command == "query-cpus-fast")
    timeline_.vcpu_threads[static_cast<size_t>(line.end)] =
        vcpu_threads(reply.value);
  if (line.end == End::destination) {
    if (question.command == "query-migrate")
      if (auto blocktime = qmp::decode_postcopy_blocktime(reply.value))
        timeline_.blocktime = blocktime;
    return;
  }
  if (question.command == "query-migrate") {
    timeline_.samples.push_back(
        {question.at, line.time.mono, qmp::decode_query_migrate(reply.value)});
    timeline_.source_evidence.sample(timeline_.samples.back());
  } else if (question.command == "query-migrate-capabilities") {
    timeline_.source_capabilities = reply.value;
  } else if (question.command == "query-migrate-parameters") {
    timeline_.parameters.push_back(
        {line.time.mono, qmp::decode_migration_parameters(reply.value)});
  }
}

void TimelineBuilder::add_event(const MonitorLine& line,
                                const qmp::Event& event) {
  EventMark mark{event.timestamp, line.time};
  evidence(line.end).event(event, mark);
  if (line.end == End::source)
    return add_source_event(event, mark);
  if (auto status = qmp::migration_event_status(event))
    timeline_.destination_statuses.push_back({*status, mark});
  if (event.name == "RESUME" && !timeline_.resume)
    timeline_.resume = mark;
}

void TimelineBuilder::add_source_event(const qmp::Event& event,
                                       EventMark mark) {
  if (auto status = qmp::migration_event_status(event))
    timeline_.source_statuses.push_back({*status, mark});
  if (auto pass = qmp::migration_pass(event))
    timeline_.passes.push_back({*pass, mark});
  if (event.name == "STOP") {
    timeline_.stop = mark;
    timeline_.source_resume.reset();
  }
  if (event.name == "RESUME" && timeline_.stop)
    timeline_.source_resume = mark;
}

std::span<const Sample> own_samples(const Timeline& timeline) {
  std::span<const Sample> samples = timeline.samples;
  if (samples.empty() || !qmp::is_final(samples.front().info.status.value_or(
                             MigrationStatus::none)))
    return samples;
  auto own = std::find_if(samples.begin(), samples.end(), [&](const Sample& s) {
    return !qmp::same_end(s.info, samples.front().info);
  });
  return {own, samples.end()};
}

std::optional<MigrationStatus> last_status(const Timeline& timeline) {
  std::optional<MigrationStatus> last;
  for (const Sample& sample : own_samples(timeline))
    if (sample.info.status)
      last = sample.info.status;
  // An event may be newer than the last answer.
  if (!timeline.source_statuses.empty()) {
    const StatusMark& event = timeline.source_statuses.back();
    if (timeline.samples.empty() ||
        event.mark.arrival.mono > timeline.samples.back().asked)
      last = event.status;
  }
  return last;
}

std::optional<MonoTime> completion(const Timeline& timeline) {
  for (const StatusMark& mark : timeline.source_statuses)
    if (mark.status == MigrationStatus::completed)
      return timeline.source_clock.at(mark.mark);
  for (const Sample& sample : own_samples(timeline))
    if (sample.info.status == MigrationStatus::completed)
      return sample.answered;
  return {};
}

std::optional<MonoTime> migration_start(const Timeline& timeline) {
  std::optional<MonoTime> start;
  for (const StatusMark& mark : timeline.source_statuses)
    if (qmp::is_running(mark.status)) {
      start = timeline.source_clock.at(mark.mark);
      break;
    }
  for (const Sample& sample : timeline.samples)
    if (sample.info.status && qmp::is_running(*sample.info.status)) {
      // total-time reaches back to before we joined.
      MonoTime began = sample.answered;
      if (sample.info.total_time_ms.value_or(kMaxMs) < kMaxMs)
        began = began + -std::chrono::milliseconds(*sample.info.total_time_ms);
      if (!start || began < *start)
        start = began;
      break;
    }
  return start;
}

} // namespace migscope::analyzer
