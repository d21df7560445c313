#include "analyzer/round_times.h"

#include "analyzer/traced_rounds.h"

#include <algorithm>
#include <utility>

namespace migscope::analyzer {

using captures::Chunk;

namespace {

using Starts = std::vector<std::optional<MonoTime>>;

// Such a sample sums up all rounds, with nothing left.
bool is_over(const qmp::MigrationInfo& info) {
  return info.status && qmp::is_final(*info.status);
}

// Figures of the sample taken right after each round's sync.
void add_samples(std::vector<Round>& rounds, const Starts& starts,
                 const Timeline& timeline) {
  const qmp::RamStats* before = nullptr; // of the round before
  auto sample = timeline.samples.begin();
  for (size_t i = 0; i < rounds.size(); ++i) {
    const qmp::RamStats* earlier = std::exchange(before, nullptr);
    if (!starts[i])
      continue;
    sample = std::find_if(sample, timeline.samples.end(), [&](const Sample& s) {
      return s.asked >= *starts[i] && s.info.ram && !is_over(s.info);
    });
    if (sample == timeline.samples.end())
      return;
    // A sample that may belong to a later round says nothing of this one.
    auto next = i + 1 < rounds.size() ? starts[i + 1] : std::nullopt;
    if (next && sample->answered >= *next)
      continue;
    const qmp::MigrationInfo& info = sample->info;
    rounds[i].remaining_bytes = info.ram->remaining;
    if (info.expected_downtime_ms)
      rounds[i].expected_downtime_ms =
          static_cast<double>(*info.expected_downtime_ms);
    rounds[i].throttle_percent = info.cpu_throttle_percentage;
    auto transferred = info.ram->transferred.value_or(0);
    if (earlier && earlier->transferred.value_or(0) <= transferred)
      rounds[i - 1].transferred_bytes =
          transferred - earlier->transferred.value_or(0);
    before = info.ram->transferred ? &*info.ram : nullptr;
  }
}

void add_times(std::vector<Round>& rounds, const Starts& starts,
               std::optional<MonoTime> zero, std::optional<MonoTime> end) {
  for (size_t i = 0; i < rounds.size(); ++i) {
    if (!starts[i])
      continue;
    if (zero)
      rounds[i].start_ms = to_ms(*starts[i] - *zero);
    auto next = i + 1 < rounds.size() ? starts[i + 1] : end;
    if (next && *next >= *starts[i])
      rounds[i].duration_ms = to_ms(*next - *starts[i]);
  }
}

// Rounds that began after a stream was cut off: monitors tell of them, what
// they sent nobody knows.
void forget_unseen(std::vector<Round>& rounds,
                   const std::vector<RoundStart>& starts, MonoTime cut) {
  for (size_t i = 0; i < rounds.size(); ++i)
    if (!rounds[i].first_offset && starts[i].mark &&
        starts[i].mark->latest > cut)
      rounds[i].pages = rounds[i].zero_pages = rounds[i].resent_pages =
          rounds[i].same_content_pages = rounds[i].bytes = std::nullopt;
}

// An event or a trace line tells when a sync was over; else the first byte.
std::optional<MonoTime> start_of(const RoundStart& start,
                                 const std::vector<MonoTime>& arrivals) {
  if (start.mark && start.mark->how != Boundary::sampled)
    return start.mark->latest;
  if (start.section < arrivals.size())
    return arrivals[start.section];
  return {};
}

std::optional<MonoTime> start_of(const SyncMark& mark,
                                 std::optional<MonoTime> begin) {
  if (mark.how == Boundary::event)
    return mark.latest;
  if (mark.number == 1)
    return begin;
  // Below zero: any time before the first sample.
  return mark.earliest.ns < 0 ? std::nullopt : std::optional(mark.latest);
}

// With multifd all that the main channel has of a section comes when its pages
// have been sent (QEMU migration/ram.c, ram_save_iterate, 7.2 to 11.1), right
// before a sync that follows it, and may be read after that. The next section
// comes only when its own pages have been sent.
std::vector<MonoTime> when_written(const SentSections& sent) {
  constexpr Nanos kLag = std::chrono::milliseconds(5);
  std::vector<MonoTime> out = sent.arrivals;
  if (sent.multifd && !sent.by_scan)
    for (MonoTime& arrival : out)
      arrival = arrival + -kLag;
  // A scan's packets take several ways, and one may be read after another that
  // was sent later.
  if (sent.by_scan)
    for (size_t i = out.size(); i-- > 1;)
      out[i - 1] = std::min(out[i - 1], out[i]);
  return out;
}

struct Placed {
  std::vector<RoundStart> starts;
  bool lower_bound = false;
};

Placed place(const SentSections& sent, const std::vector<SyncMark>& marks,
             const Timeline& timeline) {
  Placed out;
  out.lower_bound = marks.empty() || sent.arrivals.empty();
  if (sent.by_scan) {
    out.starts = place_scan_rounds(sent.sections, when_written(sent), marks,
                                   sent.guess, sent.end_scan);
    return out;
  }
  if (timeline.source_trace)
    if (auto traced = traced_rounds(sent.sections, *timeline.source_trace,
                                    timeline.source_clock))
      return {std::move(*traced), false};
  out.starts = place_rounds(sent.sections, when_written(sent), marks);
  return out;
}

// A scan's pages before END and in it are told apart by the final sync alone.
bool ends_in_pause(const SentSections& sent,
                   const std::vector<RoundStart>& starts) {
  if (starts.empty() || !sent.by_scan)
    return !starts.empty() &&
           sent.sections.back().kind == captures::SectionKind::end;
  return sent.end_scan && starts.size() > 1 &&
         starts.back().section >= *sent.end_scan;
}

} // namespace

std::optional<MonoTime> round_zero(const Timeline& timeline,
                                   std::span<const Chunk> chunks) {
  auto zero = migration_start(timeline);
  if (!zero && !chunks.empty())
    zero = chunks.front().arrival;
  return zero;
}

TimedRounds stream_rounds(const SentSections& sent,
                          const std::vector<SyncMark>& marks,
                          const Timeline& timeline, const PauseMarks& pause) {
  Placed placed = place(sent, marks, timeline);
  TimedRounds out;
  out.rounds = sum_rounds(sent.sections, placed.starts);
  for (const RoundStart& start : placed.starts)
    out.first_sections.push_back(start.section);
  out.lower_bound = placed.lower_bound;
  out.ends_in_pause = ends_in_pause(sent, placed.starts);
  if (!sent.complete && !sent.chunks.empty())
    forget_unseen(out.rounds, placed.starts, sent.chunks.back().arrival);
  Starts starts;
  for (const RoundStart& start : placed.starts)
    starts.push_back(start_of(start, sent.arrivals));
  add_times(out.rounds, starts, round_zero(timeline, sent.chunks),
            pause.ram_end);
  add_samples(out.rounds, starts, timeline);
  // Those of stretches stand on other channels.
  if (sent.by_scan)
    for (Round& round : out.rounds)
      round.first_offset.reset();
  return out;
}

void add_dirty_rates(std::vector<Round>& rounds, uint32_t page_size) {
  std::optional<double> ms = 0; // since the last round that sent something
  for (size_t i = 0; i < rounds.size(); ++i) {
    bool sent = rounds[i].pages.value_or(0) > 0;
    if (i > 0 && sent && rounds[i].resent_pages && ms && *ms > 0)
      rounds[i].dirty_bytes_per_second =
          static_cast<double>(*rounds[i].resent_pages * page_size) * 1e3 / *ms;
    if (sent)
      ms = 0;
    ms = ms && rounds[i].duration_ms
             ? std::optional(*ms + *rounds[i].duration_ms)
             : std::nullopt;
  }
}

void take_pending(std::vector<Round>& rounds,
                  const std::vector<PassCheck>& passes) {
  if (passes.empty() || passes.front().pass != 1)
    return; // who joined late does not know which round a pass is
  auto check = passes.begin();
  for (Round& round : rounds) {
    check = std::find_if(check, passes.end(), [&](const PassCheck& c) {
      return c.pass >= round.number;
    });
    if (check != passes.end() && check->pass == round.number)
      round.remaining_bytes = check->pending_bytes;
  }
}

std::vector<Round> monitor_rounds(const std::vector<SyncMark>& marks,
                                  const Timeline& timeline,
                                  const PauseMarks& pause) {
  std::vector<Round> rounds = rounds_from_marks(marks);
  auto begin = migration_start(timeline);
  Starts starts;
  for (const SyncMark& mark : marks)
    starts.push_back(start_of(mark, begin));
  auto end = pause.completed ? pause.completed : pause.stop;
  add_times(rounds, starts, begin, end);
  add_samples(rounds, starts, timeline);
  return rounds;
}

} // namespace migscope::analyzer
