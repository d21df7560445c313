// The monitors' dialogue as a timeline of the migration: what was said when,
// on the recording host's monotonic clock; and the QEMUs' own trace beside it.
#pragma once

#include "analyzer/clock_evidence.h"
#include "analyzer/clock_map.h"
#include "analyzer/trace_marks.h"
#include "captures/session/monitor_log.h"
#include "qmp/blocktime.h"
#include "qmp/migration.h"

#include <array>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace migscope::analyzer {

// A reply to query-migrate-parameters.
struct ParametersMark {
  MonoTime answered;
  qmp::MigrationParameters values;
};

struct StatusMark {
  qmp::MigrationStatus status = qmp::MigrationStatus::unknown;
  EventMark mark;
};

struct PassMark {
  uint64_t pass = 0;
  EventMark mark;
};

// Thread ids of the vCPUs on their own host, by captures::End.
using VcpuThreads = std::array<std::vector<int64_t>, 2>;

struct Timeline {
  // For the events' stamps; until find_clocks() arrivals are taken.
  ClockMap source_clock, destination_clock;
  ClockEvidence source_evidence, destination_evidence;
  std::vector<ClockReading> readings; // of our clocks, at every line
  std::vector<Sample> samples;        // of the source
  std::vector<PassMark> passes;
  std::vector<StatusMark> source_statuses;
  std::vector<StatusMark> destination_statuses;
  // The source's last STOP and the first RESUME of the destination after it.
  std::optional<EventMark> stop;
  std::optional<EventMark> resume;
  // The source's own RESUME after its STOP: the migration did not go through.
  std::optional<EventMark> source_resume;
  std::optional<qmp::Version> source_version, destination_version;
  qmp::Json source_capabilities;          // reply to query-migrate-capabilities
  std::vector<ParametersMark> parameters; // of the source
  VcpuThreads vcpu_threads;
  // The destination's, of its last query-migrate that told.
  std::optional<qmp::PostcopyBlocktime> blocktime;
  uint64_t unreadable_lines = 0;
  // The destination's, where its return path was captured.
  std::optional<MonoTime> switchover_ack;
  // Where the QEMUs' logs were recorded and hold it.
  std::optional<TraceMarks> source_trace, destination_trace;
};

class TimelineBuilder {
public:
  void add(const captures::MonitorLine& line);
  // What came since the last call.
  [[nodiscard]] Timeline take() { return std::exchange(timeline_, Timeline{}); }

private:
  struct Asked {
    std::string command;
    MonoTime at;
  };

  [[nodiscard]] ClockEvidence& evidence(captures::End end);
  void add_sent(const captures::MonitorLine& line);
  void add_reply(const captures::MonitorLine& line, const qmp::Reply& reply);
  void add_event(const captures::MonitorLine& line, const qmp::Event& event);
  void add_source_event(const qmp::Event& event, EventMark mark);

  Timeline timeline_;
  std::map<std::pair<captures::End, uint64_t>, Asked> asked_;
};

// Without those that still show an earlier migration's end.
[[nodiscard]] std::span<const Sample> own_samples(const Timeline& timeline);

// The newest status of the source, by event or sample.
[[nodiscard]] std::optional<qmp::MigrationStatus>
last_status(const Timeline& timeline);

// When the source was first seen to have completed it; empty where it was not.
[[nodiscard]] std::optional<MonoTime> completion(const Timeline& timeline);

// When the migration began: the first event or sample that shows it running.
[[nodiscard]] std::optional<MonoTime> migration_start(const Timeline& timeline);

} // namespace migscope::analyzer
