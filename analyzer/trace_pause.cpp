#include "analyzer/trace_pause.h"

#include <deque>
#include <map>

namespace migscope::analyzer {
namespace {

std::optional<MonoTime> time_of(const std::optional<TraceMark>& mark,
                                const ClockMap& clock) {
  return mark ? std::optional(time_of(*mark, clock)) : std::nullopt;
}

std::optional<MonoTime> checkpoint(const TraceMarks& trace,
                                   std::string_view name,
                                   const ClockMap& clock) {
  for (auto it = trace.checkpoints.rbegin(); it != trace.checkpoints.rend();
       ++it)
    if (it->what.name == name)
      return time_of(it->mark, clock);
  return {};
}

// The last sync of all is the one with the guest stopped, if it began then.
void add_final_sync(PauseMarks& marks, const TraceMarks& trace,
                    const ClockMap& clock) {
  if (trace.syncs.empty() || !trace.syncs.back().in_pause)
    return;
  marks.sync_begin = time_of(trace.syncs.back().start, clock);
  marks.sync_end = time_of(trace.syncs.back().end, clock);
}

void add_stop(PauseMarks& marks, const TraceMarks& trace,
              const ClockMap& clock) {
  marks.flushed = time_of(trace.pause.disks_flushed, clock);
  if (trace.pause.wait_begin && trace.pause.wait_end) {
    marks.wait_begin = time_of(trace.pause.wait_begin, clock);
    marks.wait_end = time_of(trace.pause.wait_end, clock);
  }
  add_final_sync(marks, trace, clock);
}

void add_saved(PauseMarks& marks, const TraceMarks& trace,
               const ClockMap& clock) {
  for (const SectionTime& section : trace.pause.sections) {
    if (!section.end)
      continue;
    MonoTime end = time_of(*section.end, clock);
    if (section.idstr == "ram")
      marks.ram_saved = end;
    marks.devices_saved = end;
  }
}

// All devices are written after the sync, and RAM goes on after them.
void add_package(PauseMarks& marks, const TraceMarks& trace,
                 const ClockMap& clock) {
  for (const SectionTime& section : trace.pause.sections) {
    MonoTime begin = time_of(section.start, clock);
    if (!marks.sync_end || begin < *marks.sync_end || !section.end)
      continue;
    if (section.idstr == "ram")
      return;
    if (!marks.discarded)
      marks.discarded = begin;
    marks.devices_saved = time_of(*section.end, clock);
  }
}

void add_source(PauseMarks& marks, const TraceMarks& trace,
                const ClockMap& clock, bool postcopy) {
  add_stop(marks, trace, clock);
  (postcopy ? add_package : add_saved)(marks, trace, clock);
  if (auto saved = checkpoint(trace, "src-non-iterable-saved", clock))
    marks.devices_saved = saved;
}

// 7.2 does not tell when it has loaded postcopy's package.
void add_destination(PauseMarks& marks, const TraceMarks& trace,
                     const ClockMap& clock, bool postcopy) {
  marks.loaded = checkpoint(trace, "dst-precopy-loadvm-completed", clock);
  if (!marks.loaded && !postcopy)
    marks.loaded = time_of(trace.load_done, clock);
  marks.announced = checkpoint(trace,
                               postcopy ? "dst-postcopy-bh-cache-invalidated"
                                        : "dst-precopy-bh-announced",
                               clock);
}

// Devices by name, in stream order, and which instance each is.
class ByName {
public:
  explicit ByName(std::span<DeviceState> devices) {
    for (DeviceState& device : devices) {
      by_instance_[{device.name, device.instance_id}] = &device;
      in_order_[device.name].push_back(&device);
    }
  }

  DeviceState* find(const std::string& name, uint32_t instance) const {
    auto found = by_instance_.find({name, instance});
    return found == by_instance_.end() ? nullptr : found->second;
  }
  // Of devices of one name, trace and stream have the same order.
  DeviceState* next(const std::string& name) {
    auto found = in_order_.find(name);
    if (found == in_order_.end() || found->second.empty())
      return nullptr;
    DeviceState* device = found->second.front();
    found->second.pop_front();
    return device;
  }

private:
  std::map<std::pair<std::string, uint32_t>, DeviceState*> by_instance_;
  std::map<std::string, std::deque<DeviceState*>> in_order_;
};

void add_reported(const ByName& devices,
                  const std::vector<Marked<trace::DeviceTime>>& times,
                  std::optional<double> DeviceState::*figure) {
  for (const auto& [mark, what] : times)
    if (DeviceState* device = devices.find(what.idstr, what.instance_id);
        device && !what.iterable)
      device->*figure = static_cast<double>(what.us) / 1000;
}

void add_section_times(ByName& devices, const TraceMarks& trace,
                       const ClockMap& clock) {
  for (const SectionTime& section : trace.pause.sections)
    if (DeviceState* device = devices.next(section.idstr);
        device && section.end)
      device->save_ms =
          to_ms(time_of(*section.end, clock) - time_of(section.start, clock));
}

// Before 8.2 the destination tells only when it begins with a section: one is
// loaded when the next begins.
void add_load_times(const ByName& devices, const TraceMarks& trace,
                    const ClockMap& clock) {
  for (size_t i = 0; i < trace.load_devices.size(); ++i) {
    const auto& [mark, what] = trace.load_devices[i];
    std::optional<TraceMark> until = trace.load_done;
    if (i + 1 < trace.load_devices.size())
      until = trace.load_devices[i + 1].mark;
    if (DeviceState* device = devices.find(what.idstr, what.instance_id);
        device && until)
      device->load_ms = to_ms(time_of(*until, clock) - time_of(mark, clock));
  }
}

} // namespace

void add_trace(PauseMarks& marks, const Timeline& timeline, bool postcopy) {
  if (timeline.source_trace)
    add_source(marks, *timeline.source_trace, timeline.source_clock, postcopy);
  if (timeline.destination_trace)
    add_destination(marks, *timeline.destination_trace,
                    timeline.destination_clock, postcopy);
}

void add_trace_times(std::span<DeviceState> all, const Timeline& timeline) {
  ByName devices(all);
  if (const auto& source = timeline.source_trace) {
    if (source->saves.empty())
      add_section_times(devices, *source, timeline.source_clock);
    else
      add_reported(devices, source->saves, &DeviceState::save_ms);
  }
  if (const auto& destination = timeline.destination_trace) {
    if (destination->loads.empty())
      add_load_times(devices, *destination, timeline.destination_clock);
    else
      add_reported(devices, destination->loads, &DeviceState::load_ms);
  }
}

} // namespace migscope::analyzer
