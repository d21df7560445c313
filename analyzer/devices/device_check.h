// Looks for device states that are not what their description allows.
#pragma once

#include "analyzer/devices/device_states.h"
#include "captures/stream/forwarded_events.h"

namespace migscope::analyzer {

class DeviceCheck final : public captures::ForwardedEvents {
public:
  // Passes everything on to `next`. `channels`: names, as on_channel counts.
  DeviceCheck(std::vector<std::string> channels, captures::StreamEvents& next)
      : ForwardedEvents(next), collector_(std::move(channels)) {}

  void on_device_body(const captures::SectionHeader& header,
                      std::span<const std::byte> body) override;
  void on_description(std::string_view json, uint64_t offset) override;
  void on_channel(size_t channel) override;

  // Once all is read: an error for each field that cannot be what it claims to
  // be, with the device, its path and its offset.
  [[nodiscard]] std::vector<Problem> problems();

private:
  DeviceCollector collector_;
};

} // namespace migscope::analyzer
