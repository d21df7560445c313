// Decides what a recording asks the monitors, when, and when it is over.
//
// No I/O and no clock of its own: the owner hands in what the sessions tell
// and the time, and carries out what Actions asks. Everything the monitors say
// is stored by the owner as it comes; the recorder interprets just enough to
// follow the migration.
//
//   waiting -> following -> settling -> finished
//
// waiting:   no migration runs yet; the source is asked every kIdleInterval
// following: it runs; asked at every MIGRATION_PASS and every `interval`, and
//            for its parameters once a pass
// settling:  the source is done; last queries, and the destination's RESUME
#pragma once

#include "captures/session/manifest.h"
#include "captures/session/monitor_log.h"
#include "qmp/migration.h"

namespace migscope::captures {

// How a recording ended.
struct Outcome {
  enum class Kind { completed, failed, cancelled, interrupted, disconnected };
  Kind kind = Kind::completed;
  std::string detail; // QEMU's reason, or the transport's
};

[[nodiscard]] std::string_view to_string(Outcome::Kind kind);

struct RecorderOptions {
  Nanos interval = std::chrono::milliseconds(50);
  bool has_destination = false;
  // Turn on the `events` capability at both ends before a migration starts.
  bool enable_events = false;
};

class Recorder {
public:
  static constexpr Nanos kIdleInterval = std::chrono::milliseconds(200);
  // How long the destination may take to resume after the source is done.
  static constexpr Nanos kSettleTime = std::chrono::seconds(10);
  // How long the source may take to add up its figures.
  static constexpr Nanos kFiguresTime = std::chrono::seconds(1);

  struct Actions {
    std::function<void(End, std::string_view command, const qmp::Json& args,
                       qmp::Session::ReplyHandler)>
        execute;
    // Something the user should know; one sentence.
    std::function<void(std::string)> notice;
    // All ends have answered what attaching asks.
    std::function<void()> attached;
  };

  Recorder(RecorderOptions options, Actions actions);

  void ready(End end, const qmp::Version& version, ClockReading now);
  void event(End end, const qmp::Event& event, ClockReading now);
  void closed(End end, const Error& error, ClockReading now);
  void tick(ClockReading now);
  // The user wants an end: last queries are skipped.
  void interrupt();

  [[nodiscard]] const std::optional<Outcome>& outcome() const {
    return outcome_;
  }
  // A migration is under way or just over.
  [[nodiscard]] bool busy() const { return phase_ != Phase::waiting; }
  // The source's newest query-migrate.
  [[nodiscard]] const qmp::MigrationInfo& latest() const { return latest_; }
  // Of the newest MIGRATION_PASS; 0 where none came.
  [[nodiscard]] uint64_t last_pass() const { return last_pass_; }
  // What attaching found; address and locality are the owner's to fill.
  [[nodiscard]] const EndInfo& info(End end) const { return at(end).info; }

private:
  enum class Phase { waiting, following, settling, finished };
  struct EndState {
    EndInfo info;
    bool open = false;
    int replies_due = 0; // of those that attaching asks
    bool attached = false;
    bool settled = false;     // nothing more is expected of it
    bool asking_last = false; // a last query-migrate is on its way
    bool asking = false;      // a sample or poll is not answered yet
    MonoTime last_asked;
  };

  EndState& at(End end) { return ends_[static_cast<size_t>(end)]; }
  [[nodiscard]] const EndState& at(End end) const {
    return ends_[static_cast<size_t>(end)];
  }
  void attach(End end);
  void ask(End end, const char* command, const qmp::Json& args,
           qmp::Json EndInfo::*keep);
  void attach_reply(End end);
  void check_events(End end);
  // Time for the next regular question, and the last one is answered.
  [[nodiscard]] bool due(End end, Nanos interval) const;
  void sample();
  void take_sample(const qmp::Json& reply);
  void begin();
  void ask_settings();
  void ask_setting(const char* command, qmp::Json EndInfo::*keep);
  void follow_event(qmp::MigrationStatus status);
  void follow(qmp::MigrationStatus status);
  void settle(Outcome outcome);
  void settle_end(End end);
  bool take_last_figures(const qmp::Json& reply);
  [[nodiscard]] bool destination_is_done(const qmp::Json& reply) const;
  void poll_destination();
  void finish_if_settled();

  RecorderOptions options_;
  Actions actions_;
  EndState ends_[2];
  Phase phase_ = Phase::waiting;
  Outcome pending_;
  std::optional<Outcome> outcome_;
  qmp::MigrationInfo latest_;
  // The state found at attach: a final one belongs to an earlier migration.
  std::optional<qmp::MigrationInfo> found_;
  uint64_t last_pass_ = 0;
  MonoTime now_;
  MonoTime settling_since_;
  bool ask_again_ = false;
};

} // namespace migscope::captures
