// The result of an analysis: plain data that every renderer prints from.
//
// Units are in the names. An empty optional means unknown, never zero. Counts
// of pages are target pages of all kinds, zero pages too, as they stood on the
// wire; bytes are what they took there, page words and names included.
#pragma once

#include "analyzer/pages/heat_map.h"
#include "analyzer/pages/page_report.h"
#include "analyzer/service/service.h"
#include "analyzer/what_if/savings.h"
#include "base/clock.h"
#include "base/error.h"
#include "qmp/blocktime.h"
#include "qmp/migration.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace migscope::analyzer {

enum class Severity { info, warning, error };

// Something wrong with the input.
struct Problem {
  Severity severity = Severity::warning;
  std::string channel; // file or end it was found in
  std::optional<uint64_t> offset;
  std::string message;
};

struct Input {
  std::string path;
  std::string kind; // "session" or "stream"
  int channels = 0; // stream connections
  uint64_t bytes = 0;
  bool complete = true;
  std::vector<Problem> problems;
};

struct Vm {
  std::optional<std::string> machine;
  std::optional<std::string> qemu;             // source's version
  std::optional<std::string> destination_qemu; // destination's
  std::optional<uint32_t> page_size;
  std::vector<std::string> capabilities; // turned on
};

struct OutcomeInfo {
  // QEMU's status words, or "interrupted"/"disconnected"; for a bare stream
  // "completed" (it has its end) or "truncated".
  std::string status;
  std::string detail;
  std::string mode = "precopy";
  std::optional<double> total_ms; // QEMU's total-time
  std::optional<double> setup_ms; // QEMU's setup-time
  // QEMU's last word: of its query-migrate's `ram`.
  std::optional<uint64_t> transferred_bytes, dirty_syncs, page_requests;
};

struct BlockTotals {
  std::string name;
  uint64_t bytes = 0; // used length
  uint64_t pages = 0; // in the block, sent or not
  uint64_t unique_pages = 0;
  uint64_t sent_pages = 0;
  uint64_t resent_pages = 0;
  // Unknown where the stream does not tell what was sent in the pause.
  std::optional<uint64_t> stop_copy_pages = 0;
  std::optional<uint64_t> stop_copy_bytes = 0;
};

struct RamTotals {
  uint64_t zero = 0, normal = 0, xbzrle = 0, compressed = 0; // pages
  uint64_t xbzrle_bytes = 0; // of the xbzrle pages
  uint64_t bytes = 0;
  uint64_t unique_pages = 0;
  uint64_t resent_pages = 0;
  uint64_t max_sends = 0;
  // Sends of a page whose content equals what was sent for it before. Unknown
  // where contents were not read.
  std::optional<uint64_t> same_content_resends = 0;
};

// Figures QEMU keeps itself, from its last query-migrate, to stand beside
// ours.
struct QemuCounters {
  std::optional<uint64_t> normal, duplicate, transferred, dirty_sync_count;
};

struct Ram {
  // A mapped-ram file holds no zero pages.
  bool without_zero_pages = false;
  std::vector<BlockTotals> blocks;
  RamTotals totals;
  QemuCounters qemu;
};

// What kept a stretch of the transfer from being faster.
enum class LimitedBy {
  unknown,
  max_bandwidth, // the parameter
  network,       // the tee's socket to the destination took no more
  destination,   // did not read
  storage,       // the recorder's own was behind
  tee,           // the tee itself, reading, sending and storing
  source_cpu,    // a thread of the source's wanted a CPU all the time
  source,        // wrote nothing: zero pages, syncs, throttling
};

// How the bytes went during a stretch of the transfer, and what limited it.
struct Flow {
  LimitedBy limited_by = LimitedBy::unknown;
  double duration_ms = 0;
  // Of the tee's connections, source to destination, each weighted by its
  // bytes. Unknown without the tee's observations.
  std::optional<double> blocked_ms; // the destination's side took no more
  std::optional<double> stalled_ms; // our storage was behind
  std::optional<double> idle_ms;    // the source wrote nothing
  std::optional<double> working_ms; // the tee was at work
  std::optional<uint64_t> bytes;
  std::optional<double> bytes_per_second;
  // Bytes/s; absent where there was no limit, or another one than was asked.
  std::optional<uint64_t> max_bandwidth;
  // Where the tee's socket to the destination is tcp.
  std::optional<double> receiver_limited_ms; // its window was full
  std::optional<uint64_t> retransmits;       // segments
  std::optional<double> rtt_ms;              // the longest smoothed one
  // Of the busiest migration thread, 0 to 1: on a CPU, and waiting for one.
  // Unknown where the QEMU is not on the recording host.
  std::optional<double> source_cpu, source_cpu_queued;
  std::optional<double> destination_cpu, destination_cpu_queued;
};

// How a round's beginning is known.
enum class Boundary {
  exact,    // by the stream's grammar: the first page, the END section
  trace,    // QEMU's own trace tells between which two sections
  event,    // MIGRATION_PASS, placed by arrival times
  sampled,  // dirty-sync-count went up between two samples
  inferred, // a page was sent again, so a sync lies before
};

struct Round {
  uint64_t number = 0;
  Boundary boundary = Boundary::exact;
  // From the stream; unknown without one.
  std::optional<uint64_t> pages, zero_pages, resent_pages, bytes;
  std::optional<uint64_t> same_content_pages; // of those re-sent
  std::optional<uint64_t> first_offset;       // of its first section
  std::optional<double> start_ms;             // since the migration began
  std::optional<double> duration_ms;
  // At which the guest dirtied, in the round before, what this one sent again.
  std::optional<double> dirty_bytes_per_second;
  // From the sample taken right after the sync.
  std::optional<uint64_t> remaining_bytes;
  std::optional<double> expected_downtime_ms;
  std::optional<uint64_t> throttle_percent;
  // Of the sync, by QEMU's trace; the pages as in TracedPass.
  std::optional<double> sync_ms;
  std::optional<uint64_t> dirty_pages;
  // query-migrate's `transferred` from this sync's sample to the next one's.
  std::optional<uint64_t> transferred_bytes;
  std::optional<Flow> flow;
};

// What kept a pass from switching over.
enum class Verdict {
  switched,     // nothing: it did
  too_much,     // more was left than bandwidth x downtime-limit
  no_bandwidth, // none was measured yet, so nothing is allowed
  ack,          // little enough; switchover-ack waited for the destination
  close,        // little enough in the sample; QEMU saw more, or waited
  enough,       // little enough by QEMU's trace, and yet it did not
  unknown,      // no sample near enough to the sync
};

// What QEMU's own trace tells of a pass.
struct TracedPass {
  std::optional<double> sync_ms; // that its sync took, where the log has times
  // Target pages that QEMU found dirty since it last began to count, which it
  // does about once a second.
  uint64_t dirty_pages = 0;
  std::optional<uint64_t> pending_bytes; // left after the sync, of all devices
  std::optional<uint64_t> allowed_bytes; // the threshold that was in force
  std::optional<uint64_t> sampled_bytes; // left in the pass's first sample
};

// QEMU's test for switching over, at the sync that a pass begins with.
struct PassCheck {
  uint64_t pass = 0; // as QEMU counts
  Verdict verdict = Verdict::unknown;
  std::optional<TracedPass> traced;
  // In the pass's first sample, and how long after the sync that was; or, with
  // no delay, as traced, where both pending and allowed are.
  std::optional<uint64_t> pending_bytes;
  std::optional<double> sample_delay_ms;
  std::optional<double> bandwidth; // bytes/s that QEMU counted on
  bool bandwidth_is_set = false;   // avail-switchover-bandwidth
  bool at_max_bandwidth = false;   // what was measured is that limit
  std::optional<uint64_t> downtime_limit_ms;
  std::optional<uint64_t> allowed_bytes; // bandwidth x limit
  // With which limit it would have switched.
  std::optional<uint64_t> needed_limit_ms;
  std::optional<double> expected_downtime_ms; // QEMU's
  std::optional<uint64_t> throttle_percent;
};

struct DeviceState {
  std::string name;
  uint32_t instance_id = 0;
  uint32_t version = 0;
  uint64_t bytes = 0;   // on the wire, section header and footer included
  uint64_t offset = 0;  // of the section
  bool in_pause = true; // false for state sent while the guest still ran
  // Since STOP: arrival of its last byte at the tee. It was written that much
  // earlier at the most.
  std::optional<double> arrived_ms, resolution_ms;
  // What it took, by the QEMUs' traces.
  std::optional<double> save_ms, load_ms;
};

// What another handler than RAM sent in pieces: dirty bitmaps, disks, VFIO.
struct IterableState {
  std::string name;
  uint32_t instance_id = 0;
  uint64_t sections = 0;
  uint64_t bytes = 0; // on the wire, section headers and footers included
};

// How long each of some things took. Unknown where there are none.
struct Latencies {
  uint64_t count = 0;
  std::optional<double> p50_ms, p90_ms, p99_ms, max_ms;
  // [N]: from 2^N to 2^(N+1) us, [0] also less; up to the longest.
  std::vector<uint64_t> buckets;
};

// From the arrival of a request to that of its page, of those pages that came
// on one kind of channel.
struct ChannelLatencies {
  std::string channel; // "main" or "preempt"
  Latencies latencies;
};

// Pages the destination asked for after the switch to postcopy, and those that
// came without.
struct PageRequests {
  uint64_t requests = 0; // messages on the return path
  uint64_t answered = 0; // of these, whose page was sent
  uint64_t repeated = 0; // answered ones for a page that was asked for before
  // Answered ones whose page came before the request; unknown without times.
  std::optional<uint64_t> in_flight;
  uint64_t unanswered = 0;
  std::string unanswered_reason; // empty where there are none
  // Target pages after the switch: that were asked for or not.
  uint64_t pages_asked = 0, pages_unasked = 0;
  uint64_t unasked_bytes = 0; // on the wire
  // From the switch to the arrival of the last page.
  std::optional<double> last_page_ms;
  // Without repeated requests and those in flight. None without arrival times.
  Latencies latencies;
  std::vector<ChannelLatencies> by_channel; // those that answered
};

struct StopAndCopy {
  uint64_t pages = 0, zero_pages = 0, bytes = 0; // RAM
  uint64_t device_bytes = 0;
  std::vector<DeviceState> devices;
};

// Where the work of a piece of the downtime is done.
enum class Side { source, network, destination };

// A piece of the downtime. Pieces are in order and do not overlap.
struct Phase {
  std::string name;
  double start_ms = 0; // since the source's STOP
  double duration_ms = 0;
  std::string evidence;
  Side side = Side::source;
};

// One QEMU's wall clock against the recording host's.
struct HostClock {
  bool local = false; // it is the recording host's
  // How far it is ahead, from and to, when the event `at` was emitted. Unknown
  // where nothing bounds it, or where it was set in between.
  std::optional<double> offset_low_ms, offset_high_ms;
  std::string at; // "STOP"
  // How fast it gains on ours. Unknown where no more is known than of any
  // clock.
  std::optional<double> drift_low_ppm, drift_high_ppm;
  std::string low_evidence, high_evidence;
  // Two bounds that cannot both be true of a clock that was not set.
  std::string contradiction;
};

// Absent where no monitor was attached, or said nothing.
struct Clocks {
  std::optional<HostClock> source, destination;
};

// What a guest that prints heartbeats felt of the pause.
struct GuestPause {
  double ms = 0; // for how long its clock stood still
  // How far that can be off; unknown with few heartbeats.
  std::optional<double> error_ms;
  // Arrivals of the heartbeats next to the pause.
  MonoTime last_before, first_after;
};

struct Downtime {
  // From the source's STOP to the destination's RESUME.
  std::optional<double> total_ms;
  std::optional<double> qemu_ms; // the source's own figure
  std::optional<double> unexplained_ms;
  // total_ms is off by this at most, because of the hosts' clocks; unknown
  // where it is the difference of arrivals.
  std::optional<double> clock_error_ms;
  std::vector<Phase> phases;
  // Why total_ms and qemu_ms differ; empty where they agree.
  std::string difference;
  std::optional<GuestPause> guest;
  // Why guest and total_ms differ; empty where they agree.
  std::string guest_difference;
};

// The pause as it was expected at the last sync before it.
struct ExpectedDowntime {
  std::optional<double> qemu_ms;     // expected-downtime
  bool qemu_is_limit = false;        // as it begins, without a dirty rate
  bool qemu_is_old = false;          // of a pass before the last
  std::optional<double> computed_ms; // what was left over the bandwidth
  std::optional<double> actual_ms;
  std::optional<double> last_ram_ms; // the only piece that was estimated
  std::vector<Phase> uncounted;      // pieces that no estimate has in it
  std::optional<double> waited_ms;   // for migrate-continue
  std::optional<uint64_t> dirtied_after_bytes;
  std::optional<double> pause_bandwidth; // bytes/s of the last RAM
};

// The lowest `remaining` in the middle of a pass. What the guest has dirtied
// since the sync is not in it, so it is no amount to switch over with.
struct Trough {
  uint64_t pass = 0;
  uint64_t remaining_bytes = 0;
  std::optional<uint64_t> next_pending_bytes; // after the next sync
};

// The pass at which switching over would have cost the smallest pause.
struct MissedMinimum {
  uint64_t pass = 0;
  uint64_t pending_bytes = 0;
  double pause_ms = 0; // what was left over the bandwidth, and fixed_ms
  std::optional<double> fixed_ms; // of the real pause, all but the last RAM
  // Against what happened; nothing where it did not switch over.
  std::optional<double> regret_ms;
  std::optional<uint64_t> regret_bytes;
  std::optional<Trough> trough;
};

// One reply to query-migrate, with QEMU's own figures.
struct SamplePoint {
  double t_ms = 0; // when it arrived, since the migration began
  qmp::MigrationStatus status = qmp::MigrationStatus::unknown;
  std::optional<uint64_t> remaining_bytes, transferred_bytes;
  std::optional<double> mbps; // Mbit/s
  std::optional<double> dirty_bytes_per_second;
  std::optional<uint64_t> expected_downtime_ms, throttle_percent;
};

struct PassTime {
  uint64_t pass = 0; // as QEMU counts
  double t_ms = 0;   // of its sync, or the latest that it can have been
};

struct StatusTime {
  qmp::MigrationStatus status = qmp::MigrationStatus::unknown;
  double t_ms = 0;
};

// What was set when query-migrate-parameters was answered.
struct LimitTime {
  double t_ms = 0;
  std::optional<uint64_t> downtime_limit_ms;
  std::optional<uint64_t> max_bandwidth; // bytes/s; absent: no limit
};

// How the migration went in time, as the source's monitor told. All times are
// since it began, as Round::start_ms.
struct TimeSeries {
  std::vector<SamplePoint> samples;
  std::vector<PassTime> passes;
  std::vector<StatusTime> statuses; // changes, by event or, without, by sample
  std::vector<LimitTime> limits;    // changes
  std::optional<double> stop_ms, resume_ms;
};

struct Finding {
  std::string id;
  Severity severity = Severity::info;
  std::string text;
  std::string evidence;
};

struct Analysis {
  Input input;
  Vm vm;
  OutcomeInfo outcome;
  std::optional<Ram> ram;
  std::optional<PageReport> pages; // where there is RAM
  std::optional<HeatMap> heat_map; // likewise
  std::vector<Round> rounds;
  // The stream shows only rounds that sent something again.
  bool rounds_are_lower_bound = false;
  std::vector<PassCheck> passes; // with the guest running
  TimeSeries time_series;        // empty without a monitor
  std::vector<IterableState> iterables;
  std::optional<StopAndCopy> stop_and_copy;
  std::optional<PageRequests> postcopy; // where the return path is there
  // The destination's own count, where its capability was on.
  std::optional<qmp::PostcopyBlocktime> blocktime;
  Downtime downtime;
  Clocks clocks;
  std::optional<ExpectedDowntime> expected_downtime;
  std::optional<MissedMinimum> missed_minimum;
  std::optional<Flow> flow;        // of the whole transfer
  std::optional<Flow> pause_flow;  // from STOP to the stream's last byte
  std::optional<WhatIf> what_if;   // where it was asked for
  std::optional<PauseTimes> pause; // where both its ends are known
  std::optional<Service> service;  // where a probe ran beside it
  std::vector<Finding> findings;
};

[[nodiscard]] const char* to_string(Severity severity);

// A problem of severity error makes the input incomplete. Where the error names
// another place than `channel`, the text does so, too.
void add_problem(Input& input, Severity severity, const std::string& channel,
                 const Error& error);
// Adds what was read of another part of the same input.
void append(Input& input, const Input& part);
[[nodiscard]] const char* to_string(Boundary boundary);
[[nodiscard]] const char* to_string(Verdict verdict);
[[nodiscard]] const char* to_string(LimitedBy limit);
[[nodiscard]] const char* to_string(Side side);

} // namespace migscope::analyzer
