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
  ProblemLog log;
  DeviceCollector collector(opened->names(), log);
  captures::ReadOptions options;
  if (description)
    if (auto borrowed = captures::parse_description(*description))
      options.description = std::move(*borrowed);
  Input input = input_of(recording);
  append(input, read_all(*opened, collector, log, options));
  auto states = collector.finish(description);
  if (!states)
    return states;
  append(input, states->input);
  states->input = std::move(input);
  return states;
}

bool is_whole(const captures::Recording& recording) {
  return captures::find_main(captures::open_channels(recording)).has_value();
}

} // namespace migscope::analyzer
