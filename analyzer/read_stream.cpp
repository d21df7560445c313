#include "analyzer/read_stream.h"

#include "analyzer/devices/device_states.h"
#include "analyzer/read_recording.h"
#include "captures/session/channel_reader.h"

#include <algorithm>

namespace migscope::analyzer {
namespace {

// Without what only concerns who wants to see the devices.
Input device_damage(const DeviceStates& states) {
  Input out;
  out.complete = states.input.complete;
  std::ranges::copy_if(
      states.input.problems, std::back_inserter(out.problems),
      [](const Problem& p) { return p.severity == Severity::error; });
  for (Problem& problem : value_problems(states)) {
    out.problems.push_back(std::move(problem));
    out.complete = false;
  }
  return out;
}

bool is_timed(const captures::Recording& recording, const std::string& name) {
  auto channel = std::ranges::find(recording.channels, name,
                                   &captures::RecordedChannel::name);
  return channel == recording.channels.end() || channel->timed;
}

std::vector<MonoTime> arrivals_of(const std::vector<RamSection>& sections,
                                  const captures::Recording& recording,
                                  const OpenRecording& opened) {
  std::vector<MonoTime> out;
  for (const RamSection& section : sections) {
    const captures::OpenChannel& channel = opened.channels[section.channel];
    std::optional<MonoTime> at;
    if (is_timed(recording, channel.name))
      at = captures::arrival_of(channel.source->chunks(), section.offset);
    if (!at)
      return {};
    out.push_back(*at);
  }
  return out;
}

} // namespace

Result<ReadStream> read_stream(const captures::Recording& recording,
                               const ReadStreamOptions& options) {
  ReadStream out;
  out.pool = std::make_unique<TaskPool>(options.threads);
  auto opened = open_recording(recording);
  if (!opened)
    return fail(opened.error());
  out.model = std::make_unique<StreamModel>(*out.pool, options.content);
  DeviceCollector devices(opened->names(), *out.model);
  PageRequestTracker requests(opened->channels, devices);
  out.input = read_all(*opened, requests, *out.model, {.pool = out.pool.get()});
  out.model->finish();
  if (auto states = devices.finish(std::nullopt))
    append(out.input, device_damage(*states));
  out.requests = requests.result();
  const captures::OpenChannel& main = opened->channels[opened->main];
  if (is_timed(recording, main.name)) {
    out.chunks.assign(main.source->chunks().begin(),
                      main.source->chunks().end());
    out.switchover_ack = requests.switchover_ack();
  }
  out.arrivals = arrivals_of(out.model->sections(), recording, *opened);
  out.multifd = std::ranges::any_of(opened->channels, [](const auto& channel) {
    return channel.start == captures::StreamStart::multifd;
  });
  return out;
}

} // namespace migscope::analyzer
