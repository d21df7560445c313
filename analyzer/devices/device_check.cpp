#include "analyzer/devices/device_check.h"

#include <fmt/format.h>

namespace migscope::analyzer {

void DeviceCheck::on_device_body(const captures::SectionHeader& header,
                                 std::span<const std::byte> body) {
  collector_.on_device_body(header, body);
  next().on_device_body(header, body);
}

void DeviceCheck::on_description(std::string_view json, uint64_t offset) {
  collector_.on_description(json, offset);
  next().on_description(json, offset);
}

void DeviceCheck::on_channel(size_t channel) {
  collector_.on_channel(channel);
  next().on_channel(channel);
}

std::vector<Problem> DeviceCheck::problems() {
  std::vector<Problem> out;
  auto states = collector_.finish(std::nullopt);
  if (!states)
    return out;
  for (const Problem& problem : states->input.problems)
    if (problem.severity == Severity::error)
      out.push_back(problem);
  for (const SavedDevice& device : states->devices)
    for (const captures::ValueProblem& problem : values_of(device).problems)
      out.push_back(
          {Severity::error, device.channel, problem.offset,
           fmt::format("device {}/{}{}{}: {}", device.name, device.instance_id,
                       problem.path.empty() ? "" : ", field ", problem.path,
                       problem.message)});
  return out;
}

} // namespace migscope::analyzer
