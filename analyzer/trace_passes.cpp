#include "analyzer/trace_passes.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

using Syncs = std::vector<const TracedSync*>;

// All are there, and as many as passes: the Nth is pass N's, whatever the
// clocks say.
bool are_counted(const Syncs& syncs, const std::vector<SyncMark>& marks,
                 const TraceMarks& trace) {
  if (!trace.from_setup || trace.forgotten > 0 || syncs.size() != marks.size())
    return false;
  for (size_t i = 0; i < marks.size(); ++i)
    if (marks[i].number != i + 1)
      return false;
  return true;
}

std::optional<MonoTime> begin_of(const TracedSync& sync,
                                 const ClockMap& clock) {
  return sync.start.emitted ? clock.at(*sync.start.emitted) : std::nullopt;
}

// A pass is told of when its sync is over, and before the next one begins: the
// last that had begun by then, and not before the pass before was told of.
// From the last to the first, as several can be told of at once.
Syncs by_time(const Syncs& syncs, const std::vector<SyncMark>& marks,
              const ClockMap& clock) {
  Syncs out(marks.size());
  size_t next = syncs.size();
  for (size_t i = marks.size(); i-- > 0;) {
    std::optional<MonoTime> begin;
    while (next > 0 && (!(begin = begin_of(*syncs[next - 1], clock)) ||
                        *begin > marks[i].latest))
      --next;
    if (next == 0)
      break;
    if (i == 0 ? *begin >= marks[i].earliest || marks[i].how == Boundary::event
               : *begin > marks[i - 1].earliest)
      out[i] = syncs[--next];
  }
  return out;
}

} // namespace

std::vector<const TracedSync*> traced_syncs(const std::vector<SyncMark>& marks,
                                            const Timeline& timeline) {
  if (!timeline.source_trace || marks.empty())
    return Syncs(marks.size());
  const TraceMarks& trace = *timeline.source_trace;
  Syncs live;
  for (const TracedSync& sync : trace.syncs)
    if (!sync.in_pause)
      live.push_back(&sync);
  bool final = marks.back().final;
  std::vector<SyncMark> running(marks.begin(), marks.end() - final);
  Syncs out = are_counted(live, running, trace)
                  ? live
                  : by_time(live, running, timeline.source_clock);
  if (final)
    out.push_back(!trace.syncs.empty() && trace.syncs.back().in_pause
                      ? &trace.syncs.back()
                      : nullptr);
  return out;
}

TracedPass traced_pass(const TracedSync& sync) {
  TracedPass out;
  if (sync.start.emitted && sync.end.emitted &&
      *sync.start.emitted <= *sync.end.emitted)
    out.sync_ms = to_ms(*sync.end.emitted - *sync.start.emitted);
  out.dirty_pages = sync.dirty_pages;
  out.pending_bytes = sync.pending_bytes;
  out.allowed_bytes = sync.allowed_bytes;
  return out;
}

bool is_decided(const TracedSync* sync) {
  return sync && sync->pending_bytes && sync->allowed_bytes;
}

qmp::MigrationParameters
in_force(const std::vector<qmp::MigrationParameters>& replies,
         const TracedSync& sync) {
  // Before the first window has ended there is no threshold to go by.
  if (replies.empty() || sync.bytes_per_ms.value_or(0) == 0)
    return replies.empty() ? qmp::MigrationParameters() : replies.front();
  for (const qmp::MigrationParameters& reply : replies)
    if (reply.downtime_limit_ms.value_or(0) > 0 &&
        *sync.allowed_bytes / *reply.downtime_limit_ms == *sync.bytes_per_ms)
      return reply;
  qmp::MigrationParameters out = replies.front();
  out.downtime_limit_ms.reset();
  return out;
}

void take_syncs(std::vector<Round>& rounds, const std::vector<SyncMark>& marks,
                const Timeline& timeline) {
  if (marks.empty() || marks.front().number != 1)
    return; // who joined late does not know which round a pass is
  Syncs syncs = traced_syncs(marks, timeline);
  for (size_t i = 0; i < marks.size(); ++i) {
    auto round =
        std::ranges::lower_bound(rounds, marks[i].number, {}, &Round::number);
    if (!syncs[i] || round == rounds.end() || round->number != marks[i].number)
      continue;
    TracedPass traced = traced_pass(*syncs[i]);
    round->sync_ms = traced.sync_ms;
    round->dirty_pages = traced.dirty_pages;
  }
}

} // namespace migscope::analyzer
