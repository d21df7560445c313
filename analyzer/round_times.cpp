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

std::vector<MonoTime> section_arrivals(const std::vector<RamSection>& sections,
                                       std::span<const Chunk> chunks) {
  std::vector<MonoTime> out;
  for (const RamSection& section : sections) {
    auto at = captures::arrival_of(chunks, section.offset);
    if (!at)
      return {};
    out.push_back(*at);
  }
  return out;
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
std::vector<MonoTime> when_written(std::vector<MonoTime> arrivals,
                                   bool multifd) {
  constexpr Nanos kLag = std::chrono::milliseconds(5);
  if (multifd)
    for (MonoTime& arrival : arrivals)
      arrival = arrival + -kLag;
  return arrivals;
}

struct Placed {
  std::vector<RoundStart> starts;
  bool lower_bound = false;
};

Placed place(const std::vector<RamSection>& sections,
             const std::vector<MonoTime>& arrivals,
             const std::vector<SyncMark>& marks, const Timeline& timeline) {
  if (timeline.source_trace)
    if (auto traced = traced_rounds(sections, *timeline.source_trace,
                                    timeline.source_clock))
      return {std::move(*traced), false};
  return {place_rounds(sections, arrivals, marks),
          marks.empty() || arrivals.empty()};
}

} // namespace

std::optional<MonoTime> round_zero(const Timeline& timeline,
                                   std::span<const Chunk> chunks) {
  auto zero = migration_start(timeline);
  if (!zero && !chunks.empty())
    zero = chunks.front().arrival;
  return zero;
}

TimedRounds stream_rounds(const std::vector<RamSection>& sections,
                          std::span<const Chunk> chunks, bool complete,
                          const std::vector<SyncMark>& marks,
                          const Timeline& timeline, const PauseMarks& pause,
                          bool multifd) {
  std::vector<MonoTime> arrivals = section_arrivals(sections, chunks);
  Placed placed =
      place(sections, when_written(arrivals, multifd), marks, timeline);
  TimedRounds out;
  out.rounds = sum_rounds(sections, placed.starts);
  for (const RoundStart& start : placed.starts)
    out.first_sections.push_back(start.section);
  out.lower_bound = placed.lower_bound;
  if (!complete && !chunks.empty())
    forget_unseen(out.rounds, placed.starts, chunks.back().arrival);
  Starts starts;
  for (const RoundStart& start : placed.starts)
    starts.push_back(start_of(start, arrivals));
  add_times(out.rounds, starts, round_zero(timeline, chunks), pause.ram_end);
  add_samples(out.rounds, starts, timeline);
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
