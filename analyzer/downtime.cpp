#include "analyzer/downtime.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

// QEMU counts whole milliseconds, from slightly before its STOP.
constexpr double kAgreeMs = 3.0;
// Beyond the error of the guest's figure.
constexpr double kGuestAgreesMs = 1.0;

std::optional<MonoTime> arrival(std::span<const captures::Chunk> chunks,
                                std::optional<uint64_t> offset) {
  return offset ? captures::arrival_of(chunks, *offset) : std::nullopt;
}

// Lays pieces end to end.
class Axis {
public:
  Axis(MonoTime zero, MonoTime end) : zero_(zero), end_(end), at_(zero) {}

  // From where the last piece ended to `until`, which `evidence` tells of.
  // Marks of different evidence can cross by microseconds; a piece never goes
  // backwards for that.
  void piece(const char* name, std::optional<MonoTime> until,
             const char* evidence, Side side = Side::source) {
    if (!until)
      return;
    MonoTime to = std::min(std::max(*until, at_), end_);
    phases_.push_back({name, to_ms(at_ - zero_), to_ms(to - at_),
                       fmt::format("{}; {}", known_by_, evidence), side});
    at_ = to;
    known_by_ = evidence;
  }

  std::vector<Phase> take() { return std::move(phases_); }

private:
  MonoTime zero_, end_, at_;
  const char* known_by_ = "STOP event";
  std::vector<Phase> phases_;
};

// QEMU says STOP with its vCPUs stopped, flushes its disks, and only then waits
// (do_vm_stop, system/cpus.c, softmmu/cpus.c in 7.2; migration_completion and
// migration_completion_precopy, migration/migration.c; 7.2.0, 10.0.2, 10.2.2).
void lay_out_stop(Axis& axis, const PauseMarks& marks) {
  axis.piece("disk flush", marks.flushed, "the source's trace: disks flushed");
  if (!marks.wait_begin || !marks.wait_end)
    return;
  axis.piece("stop", marks.wait_begin, "the source is in pre-switchover");
  axis.piece("pre-switchover", marks.wait_end,
             "it goes on, by migrate-continue");
}

void lay_out_sync(Axis& axis, const PauseMarks& marks) {
  axis.piece("switchover", marks.sync_begin,
             "the source's trace: last bitmap sync begins");
  axis.piece("final sync", marks.sync_end,
             "the source's trace: last bitmap sync ends");
}

void lay_out_ram(Axis& axis, const PauseMarks& marks) {
  lay_out_stop(axis, marks);
  if (marks.sync_begin && marks.sync_end)
    lay_out_sync(axis, marks);
  else
    axis.piece("final sync", marks.ram_begin,
               "first byte of RAM END at the tee");
  if (marks.ram_saved)
    axis.piece("last RAM", marks.ram_saved,
               "the source's trace: RAM END is written");
  else
    axis.piece("last RAM", marks.ram_end, "last byte of RAM END at the tee");
}

// A stream that was cut off has no end; its rest stays unexplained.
void lay_out_devices(Axis& axis, const PauseMarks& marks) {
  if (marks.devices_saved) {
    axis.piece("device state", marks.devices_saved,
               "the source's trace: all devices are written");
    axis.piece("wire", marks.stream_end, "last byte at the tee", Side::network);
  } else if (marks.stream_end) {
    axis.piece("device state", marks.devices_end,
               "end-of-stream byte at the tee");
    axis.piece("end of stream", marks.stream_end, "last byte at the tee");
  } else if (!marks.ram_begin) {
    axis.piece("source", marks.completed,
               "the source's MIGRATION completed event");
  }
}

void lay_out_destination(Axis& axis, const PauseMarks& marks) {
  if (!marks.loaded)
    return axis.piece("destination", marks.resume, "RESUME event",
                      Side::destination);
  axis.piece("load", marks.loaded,
             "the destination's trace: all state is loaded", Side::destination);
  axis.piece("activate", marks.announced,
             "the destination's trace: disks are active, network announced",
             Side::destination);
  axis.piece("start", marks.resume, "RESUME event", Side::destination);
}

// What follows the package is sent while the guest runs.
std::vector<Phase> lay_out_postcopy(const PauseMarks& marks, Axis axis) {
  lay_out_stop(axis, marks);
  if (marks.discarded) {
    lay_out_sync(axis, marks);
    axis.piece("discards", marks.discarded,
               "the source's trace: it begins with the devices");
    axis.piece("device state", marks.devices_saved,
               "the source's trace: all devices are written");
  } else {
    axis.piece("source", marks.package_begin,
               "first byte of the package at the tee");
  }
  axis.piece("package", marks.package_end,
             "last byte of the package at the tee");
  if (marks.package_end || marks.devices_saved || marks.loaded)
    lay_out_destination(axis, marks);
  return axis.take();
}

std::vector<Phase> lay_out(const PauseMarks& marks, MonoTime zero,
                           MonoTime end) {
  Axis axis(zero, end);
  if (marks.package_begin || marks.discarded)
    return lay_out_postcopy(marks, axis);
  lay_out_ram(axis, marks);
  lay_out_devices(axis, marks);
  bool source_is_done = marks.stream_end || marks.devices_saved ||
                        (marks.completed && !marks.ram_begin);
  if (source_is_done || marks.loaded)
    lay_out_destination(axis, marks);
  return axis.take();
}

// Both events can be off, in opposite directions.
std::optional<double> clock_error_ms(const Timeline& timeline) {
  if (!timeline.stop || !timeline.resume)
    return {};
  auto stop = timeline.source_clock.error_at(*timeline.stop);
  auto resume = timeline.destination_clock.error_at(*timeline.resume);
  return stop && resume ? std::optional(to_ms(*stop + *resume)) : std::nullopt;
}

template <typename... Times>
std::optional<MonoTime> last_of(const Times&... times) {
  return std::max({times...}); // an empty one is before all others
}

std::string difference(const Downtime& downtime, const PauseMarks& marks) {
  if (!downtime.total_ms || !downtime.qemu_ms ||
      std::abs(*downtime.total_ms - *downtime.qemu_ms) <= kAgreeMs)
    return "";
  if (marks.package_end && marks.resume)
    return fmt::format("QEMU's {:.0f} ms end when the package is sent, {:.1f} "
                       "ms before RESUME by its last byte at the tee",
                       *downtime.qemu_ms,
                       to_ms(*marks.resume - *marks.package_end));
  if (!marks.completed || !marks.stop || !marks.resume)
    return fmt::format("QEMU's {:.0f} ms end when the source is done, the "
                       "destination's start is not in them",
                       *downtime.qemu_ms);
  double inside = to_ms(*marks.completed - *marks.stop);
  return fmt::format(
      "QEMU's {:.0f} ms begin {:.1f} ms before STOP and end at the source's "
      "`completed`, {:.1f} ms {} the destination's RESUME",
      *downtime.qemu_ms, std::max(0.0, *downtime.qemu_ms - inside),
      std::abs(to_ms(*marks.resume - *marks.completed)),
      *marks.completed < *marks.resume ? "before" : "after");
}

void add_wait(PauseMarks& marks, const Timeline& timeline) {
  for (const StatusMark& status : timeline.source_statuses) {
    MonoTime at = timeline.source_clock.at(status.mark);
    if (status.status == qmp::MigrationStatus::pre_switchover) {
      marks.wait_begin = at;
      marks.wait_end.reset();
    } else if (marks.wait_begin && !marks.wait_end) {
      marks.wait_end = at;
    }
  }
  if (marks.wait_begin)
    return;
  // Without events: between the samples that show it, so at least that.
  for (const Sample& sample : own_samples(timeline))
    if (sample.info.status == qmp::MigrationStatus::pre_switchover) {
      marks.wait_begin = marks.wait_begin.value_or(sample.answered);
      marks.wait_end = std::max(*marks.wait_begin, sample.asked);
    }
}

} // namespace

PauseMarks pause_marks(const Timeline& timeline, const StreamMarks& stream,
                       std::span<const captures::Chunk> chunks) {
  PauseMarks marks;
  if (timeline.stop)
    marks.stop = timeline.source_clock.at(*timeline.stop);
  if (timeline.resume)
    marks.resume = timeline.destination_clock.at(*timeline.resume);
  for (const StatusMark& status : timeline.source_statuses)
    if (status.status == qmp::MigrationStatus::completed)
      marks.completed = timeline.source_clock.at(status.mark);
  add_wait(marks, timeline);
  marks.ram_begin = arrival(chunks, stream.ram_end_begin);
  if (stream.ram_end_end)
    marks.ram_end = arrival(chunks, *stream.ram_end_end - 1);
  marks.package_begin = arrival(chunks, stream.package_begin);
  if (stream.package_end)
    marks.package_end = arrival(chunks, *stream.package_end - 1);
  marks.devices_end = arrival(chunks, stream.eof);
  if (stream.eof && !chunks.empty())
    marks.stream_end = chunks.back().arrival;
  return marks;
}

Downtime explain_downtime(const Timeline& timeline, const PauseMarks& marks,
                          std::optional<uint64_t> qemu_ms) {
  Downtime out;
  if (qemu_ms)
    out.qemu_ms = static_cast<double>(*qemu_ms);
  // Without the destination the end of the pause is not known; what the
  // stream tells of its pieces still is.
  if (!marks.stop)
    return out;
  if (!marks.resume) {
    MonoTime end =
        marks.stream_end.value_or(marks.completed.value_or(*marks.stop));
    if (marks.package_begin || marks.discarded)
      end = last_of(marks.discarded, marks.devices_saved, marks.package_begin,
                    marks.package_end)
                .value_or(*marks.stop);
    // A STOP from afar can arrive after the stream it announces.
    out.phases = lay_out(marks, *marks.stop, std::max(end, *marks.stop));
    return out;
  }
  Nanos total = *marks.resume - *marks.stop;
  if (total < Nanos(0))
    return out; // the RESUME of something else
  out.total_ms = to_ms(total);
  out.clock_error_ms = clock_error_ms(timeline);
  out.phases = lay_out(marks, *marks.stop, *marks.resume);
  double explained = 0;
  for (const Phase& phase : out.phases)
    explained += phase.duration_ms;
  out.unexplained_ms = std::max(0.0, *out.total_ms - explained); // rounding
  out.difference = difference(out, marks);
  return out;
}

// QEMU stops the guest's clock before its vCPUs and before it says STOP, and
// starts it after it has said RESUME (do_vm_stop and vm_prepare_start,
// system/cpus.c, 7.2 to 11.1).
std::string guest_difference(const Downtime& downtime,
                             const PauseMarks& marks) {
  if (!downtime.guest || !downtime.guest->error_ms || !downtime.total_ms)
    return "";
  const GuestPause& guest = *downtime.guest;
  double more = guest.ms - *downtime.total_ms;
  if (std::abs(more) <= *guest.error_ms + kGuestAgreesMs)
    return "";
  return fmt::format(
      "the guest's clock stood still for {:.1f} ms, {:.1f} ms {} than STOP to "
      "RESUME: {}; its last heartbeat came {:.1f} ms before STOP, the next one "
      "{:.1f} ms after RESUME",
      guest.ms, std::abs(more), more > 0 ? "longer" : "shorter",
      more > 0 ? "its vCPUs were stopped before STOP was said, or started only "
                 "later after RESUME"
               : "it still ran after STOP, or again before RESUME",
      to_ms(*marks.stop - guest.last_before),
      to_ms(guest.first_after - *marks.resume));
}

} // namespace migscope::analyzer
