// Reading what DeviceCollector takes.
#include "analyzer/devices/device_states.h"
#include "analyzer/read_recording.h"

namespace migscope::analyzer {

Result<DeviceStates>
read_device_states(const captures::Recording& recording,
                   const std::optional<std::string>& description) {
  auto opened = open_recording(recording);
  if (!opened)
    return fail(opened.error());
  std::vector<std::string> names;
  for (const captures::OpenChannel& channel : opened->channels)
    names.push_back(channel.name);
  DeviceCollector collector(std::move(names));
  captures::ReadOptions options;
  if (description)
    if (auto borrowed = captures::parse_description(*description))
      options.description = std::move(*borrowed);
  // The collector keeps what it is told of damage.
  Input read = read_all(*opened, collector, ProblemLog(), options);
  auto states = collector.finish(description);
  if (!states)
    return states;
  Input& input = states->input;
  read.complete &= input.complete;
  read.problems.insert(read.problems.end(), input.problems.begin(),
                       input.problems.end());
  input = std::move(read);
  return states;
}

bool is_whole(const captures::Recording& recording) {
  return captures::find_main(captures::open_channels(recording)).has_value();
}

} // namespace migscope::analyzer
