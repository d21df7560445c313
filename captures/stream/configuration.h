// The configuration section: a bare vmstate, without id, version, footer or
// terminator. Layout: QEMU migration/savevm.c (vmstate_configuration).
#pragma once

#include "captures/stream/events.h"
#include "captures/stream/window.h"

namespace migscope::captures {

struct ConfigurationItem {
  Step step;
  Configuration value; // where step needs nothing more
};

// Reads what follows the section type byte. The section's end shows only by
// the byte after it, so that one must be there.
[[nodiscard]] Result<ConfigurationItem> read_configuration(const Window& in);

} // namespace migscope::captures
