#include "analyzer/analyze.h"

#include "analyzer/device_times.h"
#include "analyzer/downtime.h"
#include "analyzer/findings.h"
#include "analyzer/guest_pause.h"
#include "analyzer/hindsight.h"
#include "analyzer/host_clocks.h"
#include "analyzer/method.h"
#include "analyzer/pages/report_heat.h"
#include "analyzer/pages/report_pages.h"
#include "analyzer/pages/scanned_pause.h"
#include "analyzer/read_flow.h"
#include "analyzer/read_recording.h"
#include "analyzer/read_stream.h"
#include "analyzer/read_trace.h"
#include "analyzer/round_times.h"
#include "analyzer/scan_sections.h"
#include "analyzer/service/read_service.h"
#include "analyzer/session_clocks.h"
#include "analyzer/switchover.h"
#include "analyzer/time_series.h"
#include "analyzer/trace_passes.h"
#include "analyzer/trace_pause.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::Recording;

Timeline read_timeline(Analysis& analysis, const Recording& recording) {
  Timeline timeline;
  if (recording.monitor_log) {
    const std::string name = recording.name_of(*recording.monitor_log);
    TimelineBuilder builder;
    std::optional<Error> torn;
    auto read = captures::read_monitor_log(
        *recording.monitor_log,
        [&](const captures::MonitorLine& line) { builder.add(line); }, &torn);
    timeline = builder.take();
    if (timeline.unreadable_lines)
      analysis.input.problems.push_back(
          {Severity::warning,
           name,
           {},
           fmt::format("{} lines of a monitor are no QMP messages",
                       timeline.unreadable_lines)});
    if (!read)
      add_problem(analysis.input, Severity::error, name, read.error());
    else if (torn)
      add_problem(analysis.input, Severity::error, name, *torn);
  }
  for (const std::filesystem::path& log : recording.unread_monitor_logs)
    analysis.input.problems.push_back(
        {Severity::warning,
         recording.name_of(log),
         {},
         fmt::format("not read: {} tells of the migration, and one recording "
                     "can",
                     recording.name_of(*recording.monitor_log))});
  timeline.source_trace =
      read_trace(recording, captures::End::source, analysis.input);
  timeline.destination_trace =
      read_trace(recording, captures::End::destination, analysis.input);
  return timeline;
}

void describe_vm(Analysis& analysis, const Recording& recording,
                 const Timeline& timeline, const StreamModel* model) {
  Vm& vm = analysis.vm;
  if (timeline.source_version)
    vm.qemu = qmp::to_string(*timeline.source_version);
  if (timeline.destination_version)
    vm.destination_qemu = qmp::to_string(*timeline.destination_version);
  vm.capabilities = qmp::capabilities_on(timeline.source_capabilities);
  if (model) {
    vm.page_size = model->page_size();
    if (model->configuration())
      vm.machine = model->configuration()->machine;
  }
  if (vm.machine || !recording.manifest() || !recording.manifest()->source)
    return;
  // A QOM type, "pc-q35-7.2-machine"; the stream has the bare name.
  vm.machine = recording.manifest()->source->machine.as_string();
  constexpr std::string_view kTail = "-machine";
  if (vm.machine && vm.machine->ends_with(kTail))
    vm.machine->resize(vm.machine->size() - kTail.size());
}

const qmp::MigrationInfo* last_info(const Timeline& timeline) {
  auto samples = own_samples(timeline);
  for (auto it = samples.rbegin(); it != samples.rend(); ++it)
    if (it->info.ram || it->info.downtime_ms || it->info.error_desc)
      return &it->info;
  return nullptr;
}

std::optional<double> as_ms(std::optional<uint64_t> value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

void describe_outcome(Analysis& analysis, const Recording& recording,
                      const Timeline& timeline, const ReadStream* stream) {
  OutcomeInfo& outcome = analysis.outcome;
  if (auto status = last_status(timeline))
    outcome.status = qmp::to_string(*status);
  else if (stream)
    outcome.status = stream->model->marks().eof ? "completed" : "truncated";
  if (recording.manifest()) {
    if (!recording.manifest()->outcome.empty())
      outcome.status = recording.manifest()->outcome;
    outcome.detail = recording.manifest()->outcome_detail;
  }
  if (const qmp::MigrationInfo* info = last_info(timeline)) {
    outcome.total_ms = as_ms(info->total_time_ms);
    outcome.setup_ms = as_ms(info->setup_time_ms);
    if (info->ram) {
      outcome.transferred_bytes = info->ram->transferred;
      outcome.dirty_syncs = info->ram->dirty_sync_count;
      outcome.page_requests = info->ram->postcopy_requests;
    }
  }
}

QemuCounters qemu_counters(const Timeline& timeline) {
  QemuCounters out;
  const qmp::MigrationInfo* info = last_info(timeline);
  if (!info || !info->ram)
    return out;
  return {info->ram->normal, info->ram->duplicate, info->ram->transferred,
          info->ram->dirty_sync_count};
}

// Those that bound pieces of the pause in a stream of this kind.
StreamMarks marks_of_pause(Method method, const StreamMarks& marks) {
  if (method == Method::precopy)
    return marks;
  StreamMarks out;
  if (method == Method::postcopy) {
    out.package_begin = marks.package_begin;
    out.package_end = marks.package_end;
  }
  return out;
}

std::optional<StopAndCopy> stop_and_copy(const StreamModel& model) {
  if (!model.marks().switchover)
    return {};
  StopAndCopy out;
  for (const RamSection& section : model.sections())
    if (section.kind == captures::SectionKind::end) {
      out.pages += section.pages;
      out.zero_pages += section.zero;
      out.bytes += section.bytes;
    }
  out.devices = model.devices();
  for (const DeviceState& device : out.devices)
    out.device_bytes += device.in_pause ? device.bytes : 0;
  return out;
}

// A recording may have been made without the stream, or before any of it came.
Result<std::optional<ReadStream>>
read_channels(Analysis& analysis, const Recording& recording,
              const ReadStreamOptions& options) {
  auto read = read_stream(recording, options);
  if (!read && !recording.manifest())
    return fail(read.error());
  if (!read) {
    analysis.input.channels = static_cast<int>(recording.channels.size());
    if (!recording.channels.empty())
      add_problem(analysis.input, Severity::error, "", read.error());
    return std::nullopt;
  }
  append(analysis.input, read->input);
  return std::optional(std::move(*read));
}

std::vector<Heartbeat>
read_console(Input& input, const Recording& recording,
             std::optional<std::filesystem::path> Recording::*console,
             Nearest which) {
  const auto& log = recording.*console;
  if (!log)
    return {};
  std::optional<Error> torn;
  auto beats = read_heartbeats(*log, which, &torn);
  if (!beats)
    torn = beats.error();
  if (torn)
    add_problem(input, Severity::error, recording.name_of(*log), *torn);
  return beats ? *beats : std::vector<Heartbeat>();
}

// Only a precopy's stream tells what was sent with the guest stopped.
void forget_pause(Ram& ram) {
  for (BlockTotals& block : ram.blocks)
    block.stop_copy_pages = block.stop_copy_bytes = std::nullopt;
}

// What a precopy's stream tells in time; nothing of other kinds.
StreamTimes stream_times(const ReadStream* stream, Method method) {
  if (!stream || method != Method::precopy)
    return {};
  return {stream->model->marks(), stream->chunks};
}

void set_clocks(Analysis& analysis, const Recording& recording,
                Timeline& timeline, const StreamTimes& stream) {
  auto local = [](const std::optional<captures::EndInfo>& end) {
    return end && end->local;
  };
  const captures::Manifest* manifest = recording.manifest();
  analysis.clocks =
      find_clocks(timeline, manifest && local(manifest->source),
                  manifest && local(manifest->destination), stream);
  for (const auto& [name, clock] :
       {std::pair("source", analysis.clocks.source),
        std::pair("destination", analysis.clocks.destination)})
    if (clock && !clock->contradiction.empty())
      analysis.input.problems.push_back(
          {Severity::warning,
           recording.monitor_log ? recording.name_of(*recording.monitor_log)
                                 : "",
           {},
           fmt::format("the {}'s clock was set during the recording: its "
                       "events are taken as they arrived here; {}",
                       name, clock->contradiction)});
}

// What the explanation goes by.
struct Known {
  const Recording& recording;
  Timeline& timeline;
  const ReadStream* stream; // null where there is none
  Method method;
  std::vector<SyncMark> syncs = {};
  std::vector<size_t> first_sections = {}; // of the rounds of the stream
  bool ends_in_pause = false;              // the last of them is END
  PauseMarks pause = {};

  // What times are told since.
  [[nodiscard]] std::optional<MonoTime> zero() const {
    std::span<const captures::Chunk> chunks;
    if (stream)
      chunks = stream->chunks;
    return round_zero(timeline, chunks);
  }
  [[nodiscard]] bool by_stream() const {
    return stream && method == Method::precopy;
  }
  [[nodiscard]] bool rounds_by_stream() const {
    return stream && rounds_have_pages(method, stream->multifd);
  }
};

Method tell_method(Analysis& analysis, const Timeline& timeline,
                   const ReadStream* stream) {
  Method method =
      migration_method(timeline, stream ? stream->model.get() : nullptr,
                       stream && stream->multifd);
  analysis.outcome.mode = to_string(method);
  bool all = stream && rounds_have_pages(method, stream->multifd);
  if (std::string limits = limits_of(method); !limits.empty() && !all)
    analysis.input.problems.push_back({Severity::warning, "", {}, limits});
  return method;
}

void explain_pause(Analysis& analysis, Known& known,
                   const std::optional<GuestPause>& guest) {
  Timeline& timeline = known.timeline;
  bool early = stopped_early(known.syncs, timeline);
  if (early)
    timeline.stop.reset();
  known.pause = known.stream
                    ? pause_marks(timeline,
                                  marks_of_pause(known.method,
                                                 known.stream->model->marks()),
                                  known.stream->chunks)
                    : pause_marks(timeline, {}, {});
  // The source is done long after such a pause.
  bool runs_on =
      known.method == Method::postcopy || known.method == Method::background;
  if (known.method != Method::background)
    add_trace(known.pause, timeline, known.method == Method::postcopy);
  const qmp::MigrationInfo* info = last_info(timeline);
  Downtime& downtime = analysis.downtime;
  downtime = explain_downtime(timeline, known.pause,
                              info ? info->downtime_ms : std::nullopt);
  downtime.guest = guest;
  downtime.guest_difference = guest_difference(downtime, known.pause);
  if (early)
    downtime.difference =
        "the guest was stopped before the switchover, not by it: its pause is "
        "longer than the migration's";
  if (runs_on && !known.pause.package_begin && !known.pause.discarded) {
    downtime.unexplained_ms = downtime.total_ms;
    downtime.phases.clear();
  }
}

void take_stream(Analysis& analysis, const Known& known) {
  if (!known.stream)
    return;
  const StreamModel& model = *known.stream->model;
  if (model.has_ram()) {
    analysis.ram = model.ram();
    analysis.ram->qemu = qemu_counters(known.timeline);
    analysis.ram->without_zero_pages = known.method == Method::mapped;
    if (!known.rounds_by_stream())
      forget_pause(*analysis.ram);
  }
  analysis.iterables = model.iterables();
  analysis.postcopy = known.stream->requests;
}

// Of scans the round that END is tells what it sent, where it can be told.
void take_stop_and_copy(Analysis& analysis, const Known& known) {
  if (!known.rounds_by_stream() || !analysis.ram)
    return;
  const StreamModel& model = *known.stream->model;
  bool by_scan = model.marks().multifd;
  if (by_scan && !known.ends_in_pause)
    return;
  analysis.stop_and_copy = stop_and_copy(model);
  if (!analysis.stop_and_copy)
    return;
  StopAndCopy& out = *analysis.stop_and_copy;
  if (by_scan) {
    const Round& end = analysis.rounds.back();
    out.pages = end.pages.value_or(0);
    out.zero_pages = end.zero_pages.value_or(0);
    out.bytes = end.bytes.value_or(0);
  }
  if (known.pause.stop)
    time_devices(out.devices, known.stream->chunks, *known.pause.stop);
  add_trace_times(out.devices, known.timeline);
}

void explain_rounds(Analysis& analysis, Known& known) {
  if (known.rounds_by_stream() && analysis.ram) {
    const ReadStream& stream = *known.stream;
    TimedRounds timed = stream_rounds(
        {stream.model->sections(), stream.arrivals, stream.chunks,
         stream.input.complete, known.method == Method::multifd,
         stream.model->marks().multifd, stream.model->end_scan(),
         guess_sections(stream.model->sections(), stream.model->scans())},
        known.syncs, known.timeline, known.pause);
    analysis.rounds = std::move(timed.rounds);
    analysis.rounds_are_lower_bound = timed.lower_bound;
    known.first_sections = std::move(timed.first_sections);
    known.ends_in_pause = timed.ends_in_pause;
    add_dirty_rates(analysis.rounds, stream.model->ledger().page_size());
  } else if (known.method != Method::postcopy &&
             known.method != Method::background) {
    analysis.rounds = monitor_rounds(known.syncs, known.timeline, known.pause);
  }
}

// A table of pages or owners is only as good as the layout.
void add_layout_notes(Input& input, const GuestLayout& layout,
                      const AnalyzeOptions& options) {
  if (!options.owners && !options.page_runs)
    return;
  for (const std::string& note : layout.notes)
    input.problems.push_back({Severity::warning, "", {}, note});
}

// Of scans only the ledger tells which pages went in the pause.
std::optional<ScannedPause> find_pause(Ram& ram, const StreamModel& model,
                                       const RoundsOfPages& rounds) {
  if (!model.marks().multifd)
    return {};
  if (!rounds.ends_in_pause) {
    forget_pause(ram);
    return {};
  }
  auto out = scanned_pause(model.ledger(), rounds.first_pause_section());
  for (size_t i = 0; i < ram.blocks.size(); ++i) {
    ram.blocks[i].stop_copy_pages = out.blocks[i].pages;
    ram.blocks[i].stop_copy_bytes = out.blocks[i].bytes;
  }
  return out;
}

void explain_pages(Analysis& analysis, const Known& known,
                   const AnalyzeOptions& options) {
  if (!analysis.ram)
    return;
  const StreamModel& model = *known.stream->model;
  RoundsOfPages rounds;
  rounds.first_sections = known.first_sections;
  rounds.ends_in_pause =
      known.ends_in_pause && model.marks().ram_end_end.has_value();
  for (const Round& round : analysis.rounds)
    rounds.durations_ms.push_back(round.duration_ms);
  auto scanned = find_pause(*analysis.ram, model, rounds);
  rounds.pause_runs = scanned ? &scanned->runs : &model.pause_runs();
  GuestLayout layout = model.layout();
  add_layout_notes(analysis.input, layout, options);
  // Pages that went over multifd channels have their places on those.
  std::span<const captures::Chunk> chunks;
  if (!known.stream->multifd)
    chunks = known.stream->chunks;
  analysis.pages = report_pages(model, rounds, layout, chunks);
  analysis.heat_map = report_heat(model, rounds, layout,
                                  options.owners ? &*options.owners : nullptr);
  for (const char* lost : limits_of_pages(model, rounds))
    analysis.input.problems.push_back({Severity::warning, "", {}, lost});
  if (options.owners)
    analysis.pages->owners =
        rank_owners(model, rounds, layout, *options.owners);
  if (options.page_runs)
    for_each_page_run(model, rounds, layout, options.page_runs);
  if (!model.contents_are_known())
    for (Round& round : analysis.rounds)
      round.same_content_pages.reset();
}

void explain_switchover(Analysis& analysis, const Known& known) {
  if (known.method != Method::background)
    analysis.passes = check_passes(known.syncs, known.timeline,
                                   known.method == Method::postcopy);
  if (!analysis.rounds_are_lower_bound) {
    take_pending(analysis.rounds, analysis.passes);
    take_syncs(analysis.rounds, known.syncs, known.timeline);
  }
  analysis.expected_downtime = expected_downtime(analysis, known.timeline);
  analysis.missed_minimum = missed_minimum(analysis, known.timeline);
}

void explain_flow(Analysis& analysis, const Known& known) {
  auto zero = known.zero();
  read_flows(analysis, known.recording, known.timeline, known.pause, zero,
             known.method != Method::postcopy);
  analysis.time_series =
      time_series(known.timeline, zero, known.syncs, analysis.vm.page_size);
}

void explain_service(Analysis& analysis, const Known& known) {
  if (known.pause.stop && known.pause.resume)
    analysis.pause = {*known.pause.stop, *known.pause.resume,
                      analysis.downtime.clock_error_ms};
  analysis.service = read_service(analysis.input, known.recording, known.zero(),
                                  analysis.pause);
}

// Rounds and pause, as far as they can be told of this kind of migration.
void explain(Analysis& analysis, const Recording& recording, Timeline& timeline,
             const ReadStream* stream, const std::optional<GuestPause>& guest,
             const AnalyzeOptions& options) {
  Known known{recording, timeline, stream,
              tell_method(analysis, timeline, stream)};
  set_clocks(analysis, recording, timeline, stream_times(stream, known.method));
  known.syncs = sync_marks(timeline);
  explain_pause(analysis, known, guest);
  take_stream(analysis, known);
  explain_rounds(analysis, known);
  take_stop_and_copy(analysis, known);
  explain_pages(analysis, known, options);
  explain_switchover(analysis, known);
  explain_flow(analysis, known);
  explain_service(analysis, known);
  analysis.blocktime = timeline.blocktime;
}

} // namespace

Result<Analysis> analyze(const Recording& given,
                         const AnalyzeOptions& options) {
  Analysis analysis;
  analysis.input = input_of(given);
  const Recording recording = on_one_clock(given, analysis.input);
  Timeline timeline = read_timeline(analysis, recording);
  auto read = read_channels(analysis, recording, options.reading);
  if (!read)
    return fail(read.error());
  const ReadStream* stream = *read ? &**read : nullptr;
  if (stream)
    timeline.switchover_ack = stream->switchover_ack;
  describe_vm(analysis, recording, timeline,
              stream ? stream->model.get() : nullptr);
  describe_outcome(analysis, recording, timeline, stream);
  auto before = read_console(analysis.input, recording,
                             &Recording::source_console, Nearest::last);
  auto after = read_console(analysis.input, recording,
                            &Recording::destination_console, Nearest::first);
  explain(analysis, recording, timeline, stream, guest_pause(before, after),
          options);
  analysis.findings = find(analysis, timeline);
  return analysis;
}

} // namespace migscope::analyzer
