#include "captures/recorder.h"

#include <fmt/format.h>

namespace migscope::captures {
namespace {

using qmp::Json;
using qmp::MigrationStatus;

Outcome::Kind outcome_kind(MigrationStatus final_status) {
  switch (final_status) {
  case MigrationStatus::completed:
    return Outcome::Kind::completed;
  case MigrationStatus::cancelled:
    return Outcome::Kind::cancelled;
  default:
    return Outcome::Kind::failed;
  }
}

uint64_t syncs(const qmp::MigrationInfo& info) {
  return info.ram ? info.ram->dirty_sync_count.value_or(0) : 0;
}

Json events_on() {
  return Json::object().set(
      "capabilities",
      Json::array().add(
          Json::object().set("capability", "events").set("state", true)));
}

} // namespace

std::string_view to_string(Outcome::Kind kind) {
  switch (kind) {
  case Outcome::Kind::completed:
    return "completed";
  case Outcome::Kind::failed:
    return "failed";
  case Outcome::Kind::cancelled:
    return "cancelled";
  case Outcome::Kind::interrupted:
    return "interrupted";
  case Outcome::Kind::disconnected:
    break;
  }
  return "disconnected";
}

Recorder::Recorder(RecorderOptions options, Actions actions)
    : options_(options), actions_(std::move(actions)) {
  at(End::destination).settled = !options_.has_destination;
}

void Recorder::ready(End end, const qmp::Version& version, ClockReading now) {
  now_ = now.mono;
  at(end).open = true;
  at(end).info.version = version;
  attach(end);
}

void Recorder::attach(End end) {
  // One more than the replies, so that a reply that comes at once does not
  // look like the last.
  at(end).replies_due = 1;
  ask(end, "query-migrate-capabilities", {}, &EndInfo::capabilities);
  ask(end, "query-migrate-parameters", {}, &EndInfo::parameters);
  ask(end, "qom-get",
      Json::object().set("path", "/machine").set("property", "type"),
      &EndInfo::machine);
  ask(end, "query-status", {}, nullptr);
  ask(end, "query-memory-size-summary", {}, nullptr);
  ask(end, "query-cpus-fast", {}, nullptr);
  attach_reply(end);
}

void Recorder::ask(End end, const char* command, const Json& args,
                   Json EndInfo::*keep) {
  ++at(end).replies_due;
  actions_.execute(end, command, args, [this, end, keep](Result<Json> reply) {
    if (reply && keep)
      at(end).info.*keep = *reply;
    attach_reply(end);
  });
}

void Recorder::attach_reply(End end) {
  if (--at(end).replies_due > 0 || !at(end).open)
    return;
  check_events(end);
  at(end).attached = true;
  if (end == End::source)
    sample();
  bool all = at(End::source).attached &&
             (at(End::destination).attached || !options_.has_destination);
  if (all && actions_.attached)
    actions_.attached();
}

void Recorder::check_events(End end) {
  const Json& capabilities = at(end).info.capabilities;
  if (capabilities.is_null() || qmp::capability_is_on(capabilities, "events"))
    return;
  if (!options_.enable_events) {
    if (end == End::source)
      actions_.notice("the source's `events` capability is off: passes are "
                      "seen by sampling only (--enable-events turns it on)");
    return;
  }
  actions_.execute(
      end, "migrate-set-capabilities", events_on(),
      [this, end](Result<Json> reply) {
        actions_.notice(
            reply ? fmt::format("turned on the `events` capability of the {}",
                                to_string(end))
                  : fmt::format("could not turn on the `events` capability of "
                                "the {}: {}",
                                to_string(end), reply.error().message));
      });
}

void Recorder::event(End end, const qmp::Event& event, ClockReading now) {
  now_ = now.mono;
  if (auto pass = qmp::migration_pass(event); pass && end == End::source) {
    last_pass_ = *pass;
    sample();
  }
  auto status = qmp::migration_event_status(event);
  if (status && end == End::source)
    follow_event(*status);
  // Where the capability is off, STOP is the first sign of the last phase.
  if (event.name == "STOP" && end == End::source)
    sample();
  if (event.name == "RESUME" && end == End::destination &&
      phase_ == Phase::settling)
    settle_end(End::destination);
}

void Recorder::closed(End end, const Error& error, ClockReading now) {
  now_ = now.mono;
  at(end).open = false;
  bool awaited = !std::exchange(at(end).settled, true);
  if (phase_ == Phase::finished)
    return;
  if (phase_ != Phase::settling && end == End::source)
    return settle({Outcome::Kind::disconnected, describe(error)});
  if (end == End::destination && awaited)
    actions_.notice("the destination's monitor is gone: " + describe(error));
  finish_if_settled();
}

void Recorder::tick(ClockReading now) {
  now_ = now.mono;
  if (phase_ == Phase::settling) {
    if (now_ - settling_since_ >= kSettleTime) {
      if (!at(End::destination).settled)
        actions_.notice(
            "the destination did not resume in time; recording ends");
      at(End::source).settled = at(End::destination).settled = true;
      return finish_if_settled();
    }
    settle_end(End::source);
    if (due(End::destination, options_.interval))
      poll_destination();
    return;
  }
  Nanos interval = phase_ == Phase::waiting ? kIdleInterval : options_.interval;
  if (at(End::source).attached && due(End::source, interval))
    sample();
}

bool Recorder::due(End end, Nanos interval) const {
  return !at(end).asking && now_ - at(end).last_asked >= interval;
}

void Recorder::interrupt() {
  if (phase_ == Phase::finished)
    return;
  phase_ = Phase::finished;
  outcome_ = Outcome{Outcome::Kind::interrupted, ""};
}

void Recorder::sample() {
  EndState& source = at(End::source);
  if (!source.open || phase_ == Phase::finished)
    return;
  // One question at a time: a busy monitor must not be buried under more.
  if (source.asking) {
    ask_again_ = true;
    return;
  }
  source.asking = true;
  source.last_asked = now_;
  actions_.execute(End::source, "query-migrate", {},
                   [this](Result<Json> reply) {
                     at(End::source).asking = false;
                     if (reply)
                       take_sample(*reply);
                     if (std::exchange(ask_again_, false))
                       sample();
                   });
}

void Recorder::take_sample(const Json& reply) {
  qmp::MigrationInfo before =
      std::exchange(latest_, qmp::decode_query_migrate(reply));
  // Whether a pass was short enough to switch over depends on limits that may
  // be changed at any time, with no event.
  if (phase_ == Phase::following && syncs(latest_) > syncs(before))
    ask_setting("query-migrate-parameters", &EndInfo::parameters);
  if (!found_)
    found_ = latest_;
  if (latest_.status)
    follow(*latest_.status);
}

// Unlike a sample, an event never tells of an earlier migration.
void Recorder::follow_event(MigrationStatus status) {
  if (phase_ == Phase::waiting) {
    latest_ = {};
    begin();
  }
  follow(status);
}

void Recorder::begin() {
  phase_ = Phase::following;
  ask_settings();
}

// Whoever starts a migration sets it up first, after we attached, and may
// raise its limits while it runs.
void Recorder::ask_settings() {
  ask_setting("query-migrate-capabilities", &EndInfo::capabilities);
  ask_setting("query-migrate-parameters", &EndInfo::parameters);
}

void Recorder::ask_setting(const char* command, Json EndInfo::*keep) {
  actions_.execute(End::source, command, {},
                   [this, keep](const Result<Json>& reply) {
                     if (reply)
                       at(End::source).info.*keep = *reply;
                   });
}

void Recorder::follow(MigrationStatus status) {
  if (phase_ == Phase::waiting && qmp::is_running(status))
    begin();
  if (!qmp::is_final(status))
    return;
  // Shorter than the idle interval: it began and ended between two samples.
  bool missed = phase_ == Phase::waiting && !same_end(latest_, *found_);
  if (phase_ == Phase::following || missed)
    settle({outcome_kind(status), latest_.error_desc.value_or("")});
}

void Recorder::settle(Outcome outcome) {
  phase_ = Phase::settling;
  pending_ = std::move(outcome);
  settling_since_ = now_;
  if (at(End::source).open) {
    ask_settings();
    settle_end(End::source);
  }
  if (pending_.kind != Outcome::Kind::completed)
    at(End::destination).settled = true; // it will not resume
  poll_destination();
  finish_if_settled();
}

// Asks for the last figures: downtime is known only now.
void Recorder::settle_end(End end) {
  EndState& state = at(end);
  if (state.settled || !state.open || std::exchange(state.asking_last, true))
    return;
  actions_.execute(end, "query-migrate", {}, [this, end](Result<Json> reply) {
    at(end).asking_last = false;
    if (end == End::source && reply && !take_last_figures(*reply))
      return; // tick asks again
    if (end == End::destination && reply && !destination_is_done(*reply))
      return;
    at(end).settled = true;
    finish_if_settled();
  });
}

// QEMU says `completed` a moment before it has added up total-time and
// downtime (migration_completion before migration_calculate_complete,
// migration/migration.c, seen in 7.2): until then they are 0.
bool Recorder::take_last_figures(const Json& reply) {
  latest_ = qmp::decode_query_migrate(reply);
  if (latest_.error_desc)
    pending_.detail = *latest_.error_desc;
  return latest_.status != MigrationStatus::completed ||
         latest_.total_time_ms.value_or(0) > 0 ||
         now_ - settling_since_ >= kFiguresTime;
}

// It resumes before it is done, in postcopy long before, and only then tells
// for how long its vCPUs waited for pages.
bool Recorder::destination_is_done(const Json& reply) const {
  auto status = qmp::decode_query_migrate(reply).status;
  return !status || !qmp::is_running(*status) ||
         now_ - settling_since_ >= kFiguresTime;
}

// A guest that was paused before the migration stays paused: there will be no
// RESUME, and only query-status tells.
void Recorder::poll_destination() {
  EndState& destination = at(End::destination);
  if (!destination.open || destination.settled || destination.asking_last)
    return;
  destination.asking = true;
  destination.last_asked = now_;
  actions_.execute(End::destination, "query-status", {},
                   [this](Result<Json> reply) {
                     at(End::destination).asking = false;
                     if (!reply)
                       return;
                     auto state = reply->get("status").as_string();
                     if (state && *state != "inmigrate")
                       settle_end(End::destination);
                   });
}

void Recorder::finish_if_settled() {
  if (phase_ != Phase::settling || !at(End::source).settled ||
      !at(End::destination).settled)
    return;
  phase_ = Phase::finished;
  outcome_ = pending_;
}

} // namespace migscope::captures
