#include "analyzer/read_stream.h"

#include "analyzer/devices/device_check.h"
#include "analyzer/read_recording.h"

#include <algorithm>

namespace migscope::analyzer {

Result<ReadStream> read_stream(const captures::Recording& recording) {
  auto opened = open_recording(recording);
  if (!opened)
    return fail(opened.error());
  ReadStream out;
  out.model = std::make_unique<StreamModel>();
  std::vector<std::string> names;
  for (const captures::OpenChannel& channel : opened->channels)
    names.push_back(channel.name);
  DeviceCheck devices(std::move(names), *out.model);
  PageRequestTracker requests(opened->channels, devices);
  out.input = read_all(*opened, requests, *out.model);
  for (Problem& problem : devices.problems()) {
    out.input.problems.push_back(std::move(problem));
    out.input.complete = false;
  }
  out.requests = requests.result();
  auto chunks = opened->channels[opened->main].source->chunks();
  out.chunks.assign(chunks.begin(), chunks.end());
  out.multifd = std::ranges::any_of(opened->channels, [](const auto& channel) {
    return channel.start == captures::StreamStart::multifd;
  });
  return out;
}

} // namespace migscope::analyzer
