#include "analyzer/trace_marks.h"

namespace migscope::analyzer {

using captures::End;

namespace {

// Of each kind; QEMU writes some ten a second while a migration runs.
constexpr size_t kMaxMarks = 100'000;
constexpr uint32_t kSectionPart = 2; // QEMU_VM_SECTION_PART

} // namespace

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
  sync_start_ = mark;
}

void TraceMarksBuilder::on(const trace::SyncEnd& event, const TraceMark& mark) {
  if (auto start = std::exchange(sync_start_, {}))
    keep(marks_.syncs, SyncTime{*start, mark, event.dirty_pages});
}

void TraceMarksBuilder::on(const trace::Pending& event, const TraceMark& mark) {
  keep(marks_.pending, event, mark);
}

void TraceMarksBuilder::on(const trace::Transferred& event,
                           const TraceMark& mark) {
  keep(marks_.transferred, event, mark);
}

void TraceMarksBuilder::on(const trace::LowPending& event,
                           const TraceMark& mark) {
  keep(marks_.low_pending, event, mark);
}

void TraceMarksBuilder::on(const trace::MigrationState& event,
                           const TraceMark& mark) {
  if (event.name == "setup") { // another one begins
    marks_ = {};
    sync_start_.reset();
  }
  keep(marks_.states, event, mark);
}

void TraceMarksBuilder::on(const trace::RunState& event,
                           const TraceMark& mark) {
  keep(marks_.run_states, event, mark);
  if (end_ == End::destination) {
    if (event.to == "running" && !marks_.running)
      marks_.running = mark;
    return;
  }
  if (event.to == "finish-migrate" || event.to == "running")
    marks_.pause = {}; // running: the switchover did not go through
  if (event.to == "finish-migrate")
    marks_.pause.stop_begin = mark;
}

void TraceMarksBuilder::on(const trace::DisksFlushed&, const TraceMark& mark) {
  if (marks_.pause.stop_begin && !marks_.pause.disks_flushed)
    marks_.pause.disks_flushed = mark;
}

void TraceMarksBuilder::on(const trace::GuestStopped&, const TraceMark& mark) {
  marks_.pause.stop_end = mark;
}

void TraceMarksBuilder::on(const trace::SectionStart& event,
                           const TraceMark& mark) {
  if (marks_.pause.stop_begin)
    keep(marks_.pause.sections,
         SectionTime{event.idstr, event.section_id, mark, {}});
}

// Sections do not nest.
void TraceMarksBuilder::on(const trace::SectionEnd& event,
                           const TraceMark& mark) {
  auto& sections = marks_.pause.sections;
  if (!sections.empty() && sections.back().section_id == event.section_id &&
      !sections.back().end)
    sections.back().end = mark;
}

void TraceMarksBuilder::on(const trace::RamSaveComplete& event,
                           const TraceMark& mark) {
  (event.done ? marks_.pause.ram_end : marks_.pause.ram_begin) = mark;
}

void TraceMarksBuilder::on(const trace::PrecopyComplete&,
                           const TraceMark& mark) {
  marks_.pause.precopy_complete = mark;
}

void TraceMarksBuilder::on(const trace::SwitchoverStart&,
                           const TraceMark& mark) {
  marks_.pause.switchover_start = mark;
}

void TraceMarksBuilder::on(const trace::LoadSection& event,
                           const TraceMark& mark) {
  if (event.type != kSectionPart)
    keep(marks_.load_sections, event, mark);
}

void TraceMarksBuilder::on(const trace::LoadDevice& event,
                           const TraceMark& mark) {
  keep(marks_.load_devices, event, mark);
}

void TraceMarksBuilder::on(const trace::LoadDone&, const TraceMark& mark) {
  marks_.load_done = mark;
}

void TraceMarksBuilder::on(const trace::IncomingDone&, const TraceMark& mark) {
  marks_.incoming_done = mark;
}

} // namespace migscope::analyzer
