// One QEMU's own trace of a migration, as plain data: what it did when. Where
// the log tells of several migrations, of the newest.
#pragma once

#include "analyzer/clock_map.h"
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

// On our clock: by QEMU's stamp where that can be placed, else when it came.
[[nodiscard]] MonoTime time_of(const TraceMark& mark, const ClockMap& clock);

template <typename E>
struct Marked {
  TraceMark mark;
  E what;
};

// A dirty-bitmap sync, and what QEMU knew when it was over.
struct TracedSync {
  TraceMark start, end;
  uint64_t dirty_pages = 0; // see trace::SyncEnd
  bool in_pause = false;    // it began with the guest stopped
  // What was left after it. None at the setup's sync of 8.0 and later.
  std::optional<uint64_t> pending_bytes;
  // The threshold that was in force, and the bandwidth that it follows from;
  // both 0 until QEMU has measured one. Unknown where the trace begins later.
  std::optional<uint64_t> allowed_bytes;
  std::optional<uint64_t> bytes_per_ms; // rounded down
  // PART and END sections of RAM that had begun before the bitmap was merged;
  // nothing where that may have been before or behind the pages of one.
  std::optional<uint64_t> ram_sections = {};
};

// A section that was written with the guest stopped.
struct SectionTime {
  std::string idstr;
  uint32_t section_id = 0;
  TraceMark start;
  std::optional<TraceMark> end;
};

// The source's pause, in QEMU's order.
struct SourcePause {
  std::optional<TraceMark> stop_begin;    // runstate finish-migrate
  std::optional<TraceMark> disks_flushed; // CPUs stand, disks are drained
  // pause-before-switchover: until migrate-continue.
  std::optional<TraceMark> wait_begin, wait_end;
  std::vector<SectionTime> sections;
};

struct TraceMarks {
  bool from_setup = false; // it is there from the migration's beginning
  std::vector<Marked<trace::Checkpoint>> checkpoints;
  // Marked when the time had passed.
  std::vector<Marked<trace::DeviceTime>> saves, loads;
  // The source.
  std::vector<TracedSync> syncs;
  SourcePause pause;
  uint64_t ram_sections = 0; // begun, since the setup
  // The destination, when it began to read them.
  std::vector<Marked<trace::LoadDevice>> load_devices;
  std::optional<TraceMark> load_done; // the stream's end was read
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
  void on(const trace::MigrationState& event, const TraceMark& mark);
  void on(const trace::RunState& event, const TraceMark& mark);
  void on(const trace::DisksFlushed& event, const TraceMark& mark);
  void on(const trace::SectionStart& event, const TraceMark& mark);
  void on(const trace::SectionEnd& event, const TraceMark& mark);
  void on(const trace::LoadDevice& event, const TraceMark& mark);
  void on(const trace::LoadDone& event, const TraceMark& mark);

  captures::End end_;
  TraceMarks marks_;
  void end_sync(TracedSync& sync) const;

  std::optional<TracedSync> sync_; // that has begun
  // Of QEMU's last window.
  std::optional<uint64_t> allowed_bytes_, bytes_per_ms_;
  bool in_ram_ = false; // a section of RAM has begun
  bool sync_started_in_ram_ = false;
  uint64_t sync_started_after_ = 0; // sections of RAM
};

} // namespace migscope::analyzer
