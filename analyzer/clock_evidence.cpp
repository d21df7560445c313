#include "analyzer/clock_evidence.h"

#include <algorithm>
#include <utility>

namespace migscope::analyzer {

using Kind = ClockBound::Kind;
using qmp::MigrationStatus;

namespace {

// A year; more is no time that a migration has run.
constexpr uint64_t kMaxMs = 365ull * 24 * 3600 * 1000;

// total-time is the difference of two times that were rounded down to whole
// milliseconds.
constexpr Nanos kRounding = std::chrono::milliseconds(1);

// It is taken from the host's CLOCK_MONOTONIC, the stamps from its wall clock.
// Linux slews both alike; this is for hosts that do not.
constexpr double kBetweenClocks = 200e-6;

const char* name_of(const qmp::Event& event,
                    std::optional<MigrationStatus> status) {
  if (status)
    switch (*status) {
    case MigrationStatus::setup:
      return "MIGRATION setup";
    case MigrationStatus::active:
      return "MIGRATION active";
    case MigrationStatus::completed:
      return "MIGRATION completed";
    default:
      return "MIGRATION";
    }
  for (const char* name : {"STOP", "RESUME", "MIGRATION_PASS"})
    if (event.name == name)
      return name;
  return "an event";
}

// Emitted under the lock under which QEMU answers (the BQL), so that its place
// among the answers is that of its stamp. Other MIGRATION events are not, and
// some events are held back.
bool in_order(const qmp::Event& event, std::optional<MigrationStatus> status) {
  return event.name == "STOP" || event.name == "RESUME" ||
         event.name == "MIGRATION_PASS" || status == MigrationStatus::setup;
}

} // namespace

void ClockEvidence::sent(std::string_view command, MonoTime at) {
  if (command == "migrate" || command == "migrate-incoming")
    ordered_ = at;
}

void ClockEvidence::answered(MonoTime asked) {
  answered_ = std::max(answered_.value_or(asked), asked);
}

void ClockEvidence::event(const qmp::Event& event, const EventMark& mark) {
  if (!is_plausible(mark.emitted.ns) || mark.emitted.ns == 0)
    return;
  newest_ = mark;
  auto status = qmp::migration_event_status(event);
  const char* name = name_of(event, status);
  bounds_.push_back({Kind::not_after, mark.emitted, mark.arrival.mono, name,
                     "its arrival here"});
  if (answered_ && in_order(event, status))
    bounds_.push_back({Kind::not_before, mark.emitted, *answered_, name,
                       "the question whose answer came before it"});
  auto ordered = status == MigrationStatus::setup
                     ? std::exchange(ordered_, std::nullopt)
                     : std::nullopt;
  if (ordered)
    bounds_.push_back({Kind::not_before, mark.emitted, *ordered, name,
                       "the command that began the migration"});
  if (status)
    follow(*status, mark.emitted);
  else if (event.name == "MIGRATION_PASS" && setup_ && !begun_)
    begun_ = mark.emitted;
}

// migrate_init() sends `setup`, then takes its start time (QEMU
// migration/migration.c, 7.2 to 11.1); everything after that is sent by the
// migration thread, which it starts later.
void ClockEvidence::follow(MigrationStatus status, WallTime stamp) {
  if (status == MigrationStatus::setup) {
    setup_ = stamp;
    begun_.reset();
  } else if (qmp::is_final(status)) {
    setup_.reset();
  } else if (setup_ && !begun_) {
    begun_ = stamp;
  }
}

// The reply was made total-time after the start, and between question and
// answer.
void ClockEvidence::sample(const Sample& sample) {
  uint64_t ms = sample.info.total_time_ms.value_or(0);
  if (!setup_ || !sample.info.status || !qmp::is_running(*sample.info.status) ||
      ms == 0 || ms > kMaxMs)
    return; // 0: at the very end it may not be there yet (7.2)
  Nanos total = std::chrono::milliseconds(ms);
  Nanos slack =
      kRounding + std::chrono::duration_cast<Nanos>(total * kBetweenClocks);
  bounds_.push_back({Kind::not_after, *setup_ + (total - slack),
                     sample.answered, "MIGRATION setup and total-time",
                     "the arrival of the answer with it"});
  if (begun_)
    bounds_.push_back({Kind::not_before, *begun_ + (total + slack),
                       sample.asked, "MIGRATION setup and total-time",
                       "the question that it answers"});
}

} // namespace migscope::analyzer
