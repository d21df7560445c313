#include "analyzer/device_times.h"

#include "base/counted.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {

using captures::Chunk;

void time_devices(std::span<DeviceState> devices, std::span<const Chunk> chunks,
                  MonoTime stop) {
  for (DeviceState& device : devices) {
    if (!device.in_pause || device.bytes == 0)
      continue;
    auto chunk = captures::chunk_at(chunks, device.offset + device.bytes - 1);
    if (chunk == chunks.end())
      continue;
    device.arrived_ms = to_ms(chunk->arrival - stop);
    if (chunk != chunks.begin())
      device.resolution_ms = to_ms(chunk->arrival - std::prev(chunk)->arrival);
  }
}

std::optional<Finding> bursts_finding(std::span<const DeviceState> devices) {
  std::vector<double> arrivals;
  double worst = 0;
  for (const DeviceState& device : devices)
    if (device.arrived_ms) {
      arrivals.push_back(*device.arrived_ms);
      worst = std::max(worst, device.resolution_ms.value_or(0));
    }
  if (arrivals.empty())
    return {};
  size_t timed = arrivals.size();
  std::ranges::sort(arrivals);
  arrivals.erase(std::unique(arrivals.begin(), arrivals.end()), arrivals.end());
  return Finding{"device-bursts", Severity::info,
                 fmt::format("the states of {} came in {}: when one was "
                             "written is known to {:.1f} ms",
                             counted(timed, "device"),
                             counted(arrivals.size(), "burst"), worst),
                 "arrival of each device's last byte at the tee, and of the "
                 "burst before"};
}

} // namespace migscope::analyzer
