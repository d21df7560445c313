// Devices and fields chosen by name, and what to say where nothing has it.
#pragma once

#include "tools/render/devices.h"

namespace migscope::tools {

// Shell patterns; empty: all.
struct DevicePatterns {
  std::string device, field;
};

// A name as it is matches, too: brackets are an index more often than a class.
[[nodiscard]] DeviceSelection selection_of(const DevicePatterns& patterns);

// Nothing where each pattern matches something in one of the captures.
// Otherwise which one does not, and names that are near: "--device \"cup\"
// matches none of 24 devices; near: cpu". Takes the devices apart, up to the
// first that has such a field.
[[nodiscard]] std::optional<std::string>
what_matches_nothing(std::span<const analyzer::DeviceStates> captures,
                     const DevicePatterns& patterns);

} // namespace migscope::tools
