// When each device's state passed the tee, as far as the bursts in which QEMU
// writes tell.
#pragma once

#include "analyzer/analysis.h"
#include "captures/session/channel_reader.h"

#include <span>

namespace migscope::analyzer {

// Fills in arrived_ms and resolution_ms, from `stop` on. `chunks`: arrivals of
// the stream that the devices' offsets are in.
void time_devices(std::span<DeviceState> devices,
                  std::span<const captures::Chunk> chunks, MonoTime stop);

// How many bursts the devices came in, and how exact their times are. Nothing
// where no times are known.
[[nodiscard]] std::optional<Finding>
bursts_finding(std::span<const DeviceState> devices);

} // namespace migscope::analyzer
