#include "analyzer/trace_marks.h"

namespace migscope::analyzer {

using captures::End;

namespace {

// Of each kind; QEMU writes some ten a second while a migration runs.
constexpr size_t kMaxMarks = 100'000;

} // namespace

MonoTime time_of(const TraceMark& mark, const ClockMap& clock) {
  if (mark.emitted)
    if (auto at = clock.at(*mark.emitted))
      return *at;
  return mark.arrival;
}

void TraceMarksBuilder::add(const trace::Event& event, const TraceMark& mark) {
  std::visit([&](const auto& typed) { on(typed, mark); }, event);
}

// The pause is at the end: what is older goes first.
template <typename T>
void TraceMarksBuilder::keep(std::vector<T>& list, T item) {
  if (list.size() == kMaxMarks) {
    list.erase(list.begin(), list.begin() + kMaxMarks / 2);
    marks_.forgotten += kMaxMarks / 2;
  }
  list.push_back(std::move(item));
}

template <typename E>
void TraceMarksBuilder::keep(std::vector<Marked<E>>& list, const E& what,
                             const TraceMark& mark) {
  keep(list, Marked<E>{mark, what});
}

void TraceMarksBuilder::on(const trace::Checkpoint& event,
                           const TraceMark& mark) {
  keep(marks_.checkpoints, event, mark);
}

void TraceMarksBuilder::on(const trace::DeviceTime& event,
                           const TraceMark& mark) {
  keep(event.load ? marks_.loads : marks_.saves, event, mark);
}

void TraceMarksBuilder::on(const trace::SyncStart&, const TraceMark& mark) {
  sync_ = TracedSync{};
  sync_->start = mark;
  sync_->in_pause = marks_.pause.stop_begin.has_value();
  sync_started_in_ram_ = in_ram_;
  sync_started_after_ = marks_.ram_sections;
}

// A sync merges the bitmap somewhere between its two lines, and so do sections
// take from it (QEMU migration/ram.c, 7.2 to 11.1): where one was open
// meanwhile, as beside auto-converge's timer (9.2 and later), it may have been
// before or after.
void TraceMarksBuilder::end_sync(TracedSync& sync) const {
  if (sync_started_in_ram_ != in_ram_ ||
      sync_started_after_ != marks_.ram_sections)
    return;
  if (!in_ram_)
    sync.ram_sections = marks_.ram_sections;
  else if (marks_.pause.stop_begin) // END syncs before its first page
    sync.ram_sections = marks_.ram_sections - 1;
}

void TraceMarksBuilder::on(const trace::SyncEnd& event, const TraceMark& mark) {
  auto sync = std::exchange(sync_, {});
  if (!sync)
    return;
  sync->end = mark;
  sync->dirty_pages = event.dirty_pages;
  sync->allowed_bytes = allowed_bytes_;
  sync->bytes_per_ms = bytes_per_ms_;
  end_sync(*sync);
  keep(marks_.syncs, *sync);
}

// QEMU asks with every iteration; the first answer after a sync is what it
// decides by then.
void TraceMarksBuilder::on(const trace::Pending& event, const TraceMark&) {
  if (marks_.syncs.empty() || sync_ || !event.exact.value_or(true) ||
      marks_.syncs.back().pending_bytes)
    return;
  TracedSync& sync = marks_.syncs.back();
  sync.pending_bytes = event.bytes;
  if (event.threshold)
    sync.allowed_bytes = event.threshold;
}

void TraceMarksBuilder::on(const trace::Transferred& event, const TraceMark&) {
  allowed_bytes_ = event.max_bytes;
  uint64_t chosen = event.switchover_bandwidth.value_or(0);
  bytes_per_ms_ = chosen > 0 ? chosen : event.bandwidth;
}

void TraceMarksBuilder::on(const trace::MigrationState& event,
                           const TraceMark& mark) {
  SourcePause& pause = marks_.pause;
  if (event.name == "setup") { // another one begins
    marks_ = {};
    marks_.from_setup = true;
    sync_.reset();
    in_ram_ = false;
    allowed_bytes_ = bytes_per_ms_ = 0;
  } else if (event.name == "pre-switchover") {
    pause.wait_begin = mark;
  } else if (pause.wait_begin && !pause.wait_end) {
    pause.wait_end = mark;
  }
}

void TraceMarksBuilder::on(const trace::RunState& event,
                           const TraceMark& mark) {
  if (end_ == End::destination)
    return;
  if (event.to == "finish-migrate" || event.to == "running")
    marks_.pause = {}; // running: the switchover did not go through
  if (event.to == "finish-migrate")
    marks_.pause.stop_begin = mark;
}

void TraceMarksBuilder::on(const trace::DisksFlushed&, const TraceMark& mark) {
  if (marks_.pause.stop_begin && !marks_.pause.disks_flushed)
    marks_.pause.disks_flushed = mark;
}

void TraceMarksBuilder::on(const trace::SectionStart& event,
                           const TraceMark& mark) {
  if (event.idstr == "ram") {
    ++marks_.ram_sections;
    in_ram_ = true;
  }
  if (marks_.pause.stop_begin)
    keep(marks_.pause.sections,
         SectionTime{event.idstr, event.section_id, mark, {}});
}

// Sections do not nest.
void TraceMarksBuilder::on(const trace::SectionEnd& event,
                           const TraceMark& mark) {
  in_ram_ &= event.idstr != "ram";
  auto& sections = marks_.pause.sections;
  if (!sections.empty() && sections.back().section_id == event.section_id &&
      !sections.back().end)
    sections.back().end = mark;
}

void TraceMarksBuilder::on(const trace::LoadDevice& event,
                           const TraceMark& mark) {
  keep(marks_.load_devices, event, mark);
}

void TraceMarksBuilder::on(const trace::LoadDone&, const TraceMark& mark) {
  marks_.load_done = mark;
}

} // namespace migscope::analyzer
