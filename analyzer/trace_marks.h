// One QEMU's own trace of a migration, as plain data: what it did when. Where
// the log tells of several migrations, of the newest.
#pragma once

#include "captures/session/monitor_log.h"
#include "captures/trace/trace_event.h"

#include <vector>

namespace migscope::analyzer {

namespace trace = captures::trace;

// When a line was written: on the wall clock of QEMU's host, where the log has
// times, and when it arrived here, which is later.
struct TraceMark {
  std::optional<WallTime> emitted;
  MonoTime arrival;
};

template <typename E>
struct Marked {
  TraceMark mark;
  E what;
};

// A dirty-bitmap sync.
struct SyncTime {
  TraceMark start, end;
  uint64_t dirty_pages = 0;
};

// A section that was written with the guest stopped.
struct SectionTime {
  std::string idstr;
  uint32_t section_id = 0;
  TraceMark start;
  std::optional<TraceMark> end;
};

// The source's pause, in QEMU's order but for precopy_complete and
// switchover_start, which come before or after the first section by version.
struct SourcePause {
  std::optional<TraceMark> stop_begin;         // runstate finish-migrate
  std::optional<TraceMark> disks_flushed;      // CPUs stand, disks are drained
  std::optional<TraceMark> stop_end;           // precopy only
  std::optional<TraceMark> precopy_complete;   // 10.0 and later
  std::optional<TraceMark> switchover_start;   // 10.0 and later
  std::optional<TraceMark> ram_begin, ram_end; // last pass; 10.1 and later
  std::vector<SectionTime> sections;
};

struct TraceMarks {
  std::vector<Marked<trace::MigrationState>> states;
  std::vector<Marked<trace::RunState>> run_states;
  std::vector<Marked<trace::Checkpoint>> checkpoints;
  // Marked when the time had passed.
  std::vector<Marked<trace::DeviceTime>> saves, loads;
  // The source.
  std::vector<SyncTime> syncs;
  std::vector<Marked<trace::Pending>> pending;
  std::vector<Marked<trace::Transferred>> transferred; // units: trace_event.h
  std::vector<Marked<trace::LowPending>> low_pending;
  SourcePause pause;
  // The destination, when it began to read them. Sections that are a part of
  // an iterable state are left out.
  std::vector<Marked<trace::LoadSection>> load_sections;
  std::vector<Marked<trace::LoadDevice>> load_devices;
  std::optional<TraceMark> load_done;     // the stream's end was read
  std::optional<TraceMark> incoming_done; // and the channel is closed
  std::optional<TraceMark> running;       // the guest's CPUs start
  // Of a list that grew too long the older half was dropped: so many in all.
  uint64_t forgotten = 0;
};

class TraceMarksBuilder {
public:
  explicit TraceMarksBuilder(captures::End end) : end_(end) {}

  void add(const trace::Event& event, const TraceMark& mark);
  [[nodiscard]] TraceMarks take() { return std::move(marks_); }

private:
  template <typename E>
  void keep(std::vector<Marked<E>>& list, const E& what, const TraceMark& mark);
  template <typename T>
  void keep(std::vector<T>& list, T item);

  void on(const trace::Checkpoint& event, const TraceMark& mark);
  void on(const trace::DeviceTime& event, const TraceMark& mark);
  void on(const trace::SyncStart& event, const TraceMark& mark);
  void on(const trace::SyncEnd& event, const TraceMark& mark);
  void on(const trace::Pending& event, const TraceMark& mark);
  void on(const trace::Transferred& event, const TraceMark& mark);
  void on(const trace::LowPending& event, const TraceMark& mark);
  void on(const trace::MigrationState& event, const TraceMark& mark);
  void on(const trace::RunState& event, const TraceMark& mark);
  void on(const trace::DisksFlushed& event, const TraceMark& mark);
  void on(const trace::GuestStopped& event, const TraceMark& mark);
  void on(const trace::SectionStart& event, const TraceMark& mark);
  void on(const trace::SectionEnd& event, const TraceMark& mark);
  void on(const trace::RamSaveComplete& event, const TraceMark& mark);
  void on(const trace::PrecopyComplete& event, const TraceMark& mark);
  void on(const trace::SwitchoverStart& event, const TraceMark& mark);
  void on(const trace::LoadSection& event, const TraceMark& mark);
  void on(const trace::LoadDevice& event, const TraceMark& mark);
  void on(const trace::LoadDone& event, const TraceMark& mark);
  void on(const trace::IncomingDone& event, const TraceMark& mark);

  captures::End end_;
  TraceMarks marks_;
  std::optional<TraceMark> sync_start_;
};

} // namespace migscope::analyzer
