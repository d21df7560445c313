#include "analyzer/rounds.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace migscope::analyzer {

using captures::SectionKind;

namespace {

std::vector<SyncMark> marks_from_events(const Timeline& timeline) {
  std::vector<SyncMark> marks;
  for (const PassMark& pass : timeline.passes) {
    MonoTime at = timeline.source_clock.at(pass.mark);
    marks.push_back({pass.pass, at, at, false, Boundary::event});
  }
  return marks;
}

// A guest that was stopped before the migration, or by someone else during it,
// has no STOP of the switchover: then completion alone tells that the last
// sync was the final one.
bool is_final(const SyncMark& last, const Timeline& timeline) {
  // QEMU 11 neither counts nor tells of it.
  if (timeline.source_version && timeline.source_version->major >= 11)
    return false;
  if (completion(timeline))
    return true;
  if (!timeline.stop || last.latest < timeline.source_clock.at(*timeline.stop))
    return false;
  return !timeline.source_resume ||
         last.latest <= timeline.source_clock.at(*timeline.source_resume);
}

// What the count stood at before the first sample tells of a sync: an ended
// migration leaves its own; of one that runs the last sync is new to us.
uint64_t count_before(const Sample& first, uint64_t count) {
  bool runs = first.info.status && qmp::is_running(*first.info.status);
  return runs && count > 0 ? count - 1 : count;
}

std::vector<SyncMark> marks_from_samples(const Timeline& timeline) {
  // More syncs between two samples than this is no count to believe.
  constexpr uint64_t kMaxStep = 10'000;
  std::vector<SyncMark> marks;
  std::optional<uint64_t> count;
  MonoTime before{std::numeric_limits<int64_t>::min()};
  for (const Sample& sample : timeline.samples) {
    // Without `ram` a migration is in its setup, or over.
    const auto& ram = sample.info.ram;
    uint64_t now = ram ? ram->dirty_sync_count.value_or(0) : 0;
    uint64_t from = count.value_or(count_before(sample, now));
    if (now < from)
      from = 0; // another migration
    if (now - from <= kMaxStep)
      for (uint64_t number = from + 1; number <= now; ++number)
        marks.push_back(
            {number, before, sample.answered, false, Boundary::sampled});
    count = now;
    before = sample.asked;
  }
  return marks;
}

// QEMU 11.1 sends no event for the setup's sync and neither sends nor counts
// the final one: the migration's beginning and STOP stand for them, or its end
// where STOP is not the switchover's.
void add_untold(std::vector<SyncMark>& marks, const Timeline& timeline) {
  if (marks.empty())
    return;
  auto start = migration_start(timeline);
  if (marks.front().number == 2 && start && *start <= marks.front().latest)
    marks.insert(marks.begin(), {1, *start, *start, false, Boundary::event});
  marks.back().final = is_final(marks.back(), timeline);
  if (marks.back().final)
    return;
  const SyncMark last = marks.back();
  if (timeline.stop && !timeline.source_resume) {
    MonoTime stop = timeline.source_clock.at(*timeline.stop);
    if (stop >= last.earliest) {
      marks.push_back({last.number + 1, stop, stop, true, Boundary::event});
      return;
    }
  }
  if (auto end = completion(timeline))
    marks.push_back({last.number + 1, last.latest, std::max(last.latest, *end),
                     true, Boundary::sampled});
}

// Finds where rounds start, going through the sections in order. Starts are of
// two sorts: those that a page sent again calls for, and spare ones that only a
// mark tells of. Which mark is whose does not matter until the end: both are in
// order.
class Placement {
public:
  // A sync that was told of lies before `section` or, where sections waited in
  // a buffer, later.
  void tell(size_t section) {
    if (untold_ > 0)
      --untold_; // a page sent again told of it first
    else
      spare_.push_back(section);
  }

  // Section `at` holds a page that section `earlier` holds too: some round
  // starts in (earlier, at]. The fewest starts do when each can be moved as far
  // as the first repetition that called for it allows.
  void repeat(size_t earlier, size_t at) {
    if (!called_for_.empty() && earlier < latest_) {
      if (!spare_.empty() && spare_.back() > earlier)
        defer(earlier + 1, at);
      else
        move_last(earlier + 1);
      return;
    }
    latest_ = at;
    if (spare_.empty()) {
      called_for_.push_back({at});
      ++untold_;
    } else {
      called_for_.push_back({spare_.back()});
      spare_.pop_back();
      move_last(earlier + 1);
    }
  }

  // Ascending.
  [[nodiscard]] std::vector<size_t> sections() const {
    std::vector<size_t> called_for, out;
    for (const Start& start : called_for_)
      called_for.push_back(start.section);
    std::merge(called_for.begin(), called_for.end(), spare_.begin(),
               spare_.end(), std::back_inserter(out));
    return out;
  }

private:
  struct Start {
    size_t section = 0;
    size_t deferred = 0; // to where it has to move once no other start does
    size_t reach = 0;    // the last section for which that is so
  };

  // A spare start does for now, and so this one stays where a mark put it.
  void defer(size_t to, size_t at) {
    Start& last = called_for_.back();
    if (last.deferred == 0)
      deferred_.push_back(called_for_.size() - 1);
    last.deferred = std::max(last.deferred, to);
    last.reach = at;
  }

  void move_last(size_t to) {
    size_t from = called_for_.back().section;
    if (to <= from)
      return;
    called_for_.back().section = to;
    // Those that counted on a start that was there.
    while (!deferred_.empty() && called_for_[deferred_.back()].reach >= from) {
      Start& start = called_for_[deferred_.back()];
      deferred_.pop_back();
      from = std::min(from, start.section);
      start.section = std::max(start.section, std::exchange(start.deferred, 0));
    }
  }

  std::vector<Start> called_for_;
  size_t latest_ = 0;            // to which the last of them can still be moved
  std::vector<size_t> deferred_; // indices of those that have to move, perhaps
  std::vector<size_t> spare_;
  size_t untold_ = 0; // starts without a mark
};

// Without the setup's; none where nothing tells when sections were sent.
std::vector<SyncMark> placeable(const std::vector<SyncMark>& marks,
                                const std::vector<RamSection>& sections,
                                const std::vector<MonoTime>& arrivals) {
  std::vector<SyncMark> out;
  if (arrivals.size() == sections.size())
    std::ranges::copy_if(marks, std::back_inserter(out),
                         [](const SyncMark& mark) { return mark.number > 1; });
  return out;
}

// Of the rounds that begin in the first `parts` sections, or right behind them.
std::vector<RoundStart> starts_before(size_t parts,
                                      const std::vector<RamSection>& sections,
                                      const std::vector<MonoTime>& arrivals,
                                      const std::vector<SyncMark>& told) {
  Placement placement;
  size_t next = 0;
  for (size_t i = 1; i < parts; ++i) {
    for (; next < told.size() && told[next].earliest < arrivals[i]; ++next)
      placement.tell(i);
    size_t repeats = sections[i].repeats;
    if (repeats > 0 && repeats - 1 < i)
      placement.repeat(repeats - 1, i);
  }
  // Syncs after which nothing was sent.
  for (; next < told.size(); ++next)
    placement.tell(parts);

  std::vector<RoundStart> starts{{0, Boundary::exact, {}}};
  for (size_t section : placement.sections()) {
    size_t mark = starts.size() - 1;
    if (mark < told.size())
      starts.push_back({section, told[mark].how, told[mark]});
    else
      starts.push_back({section, Boundary::inferred, {}});
  }
  return starts;
}

} // namespace

std::vector<SyncMark> sync_marks(const Timeline& timeline) {
  std::vector<SyncMark> marks = timeline.passes.empty()
                                    ? marks_from_samples(timeline)
                                    : marks_from_events(timeline);
  add_untold(marks, timeline);
  // A sync is over before the next one is.
  for (size_t i = marks.size(); i-- > 1;)
    marks[i - 1].latest = std::min(marks[i - 1].latest, marks[i].latest);
  return marks;
}

bool stopped_early(const std::vector<SyncMark>& marks,
                   const Timeline& timeline) {
  // Two events' places on our clock can be off by this against each other.
  constexpr Nanos kNoise = std::chrono::milliseconds(5);
  if (!timeline.stop)
    return false;
  MonoTime stop = timeline.source_clock.at(*timeline.stop);
  return std::any_of(marks.begin(), marks.end(), [&](const SyncMark& mark) {
    return !mark.final && mark.earliest > stop + kNoise;
  });
}

std::vector<RoundStart> place_rounds(const std::vector<RamSection>& sections,
                                     const std::vector<MonoTime>& arrivals,
                                     const std::vector<SyncMark>& marks) {
  if (sections.empty())
    return {};
  bool ended = sections.back().kind == SectionKind::end;
  size_t parts = sections.size() - (ended ? 1 : 0);

  // The setup's sync begins round 1, the final one END.
  std::vector<SyncMark> told;
  std::optional<SyncMark> final;
  for (const SyncMark& mark : placeable(marks, sections, arrivals))
    if (mark.final)
      final = mark;
    else
      told.push_back(mark);

  auto starts = starts_before(parts, sections, arrivals, told);
  if (ended && parts > 0) {
    // While nothing is allowed yet, all of round 1 can go without another sync.
    if (told.empty() && !final && starts.size() > 1)
      starts.push_back({parts, Boundary::inferred, {}});
    starts.push_back({parts, Boundary::exact, final});
  }
  return starts;
}

std::vector<RoundStart> place_scan_rounds(
    const std::vector<RamSection>& stretches,
    const std::vector<MonoTime>& arrivals, const std::vector<SyncMark>& marks,
    const GuessedSections& guess, std::optional<size_t> end_scan) {
  if (stretches.empty())
    return {};
  auto told = placeable(marks, stretches, arrivals);
  auto starts = starts_before(stretches.size(), stretches, arrivals, told);
  // Of scans before it END sent nothing; a start in those is another sync's.
  bool end_seen = end_scan && starts.back().section >= *end_scan;
  if (told.empty() && guess.sections.size() == stretches.size()) {
    starts.resize(1);
    for (size_t start :
         fewest_starts(stretches, guess, end_seen ? *end_scan : 0))
      starts.push_back({start, Boundary::inferred, {}});
  }
  // The last one is END's: there is another one right before it, as above.
  if (told.empty() && end_seen && starts.size() > 2)
    starts.push_back(starts.back());
  return starts;
}

std::vector<Round> sum_rounds(const std::vector<RamSection>& sections,
                              const std::vector<RoundStart>& starts) {
  std::vector<Round> rounds;
  for (size_t i = 0; i < starts.size(); ++i) {
    size_t begin = starts[i].section;
    size_t end =
        i + 1 < starts.size() ? starts[i + 1].section : sections.size();
    Round round;
    round.number = i + 1;
    round.boundary = starts[i].how;
    round.pages = round.zero_pages = round.resent_pages =
        round.same_content_pages = round.bytes = 0;
    if (begin < end)
      round.first_offset = sections[begin].offset;
    for (size_t s = begin; s < end; ++s) {
      *round.pages += sections[s].pages;
      *round.zero_pages += sections[s].zero;
      *round.resent_pages += sections[s].resent;
      *round.same_content_pages += sections[s].same_content;
      *round.bytes += sections[s].bytes;
    }
    rounds.push_back(round);
  }
  return rounds;
}

std::vector<Round> rounds_from_marks(const std::vector<SyncMark>& marks) {
  std::vector<Round> rounds;
  for (const SyncMark& mark : marks) {
    Round round;
    round.number = mark.number;
    round.boundary = mark.how;
    rounds.push_back(round);
  }
  return rounds;
}

} // namespace migscope::analyzer
