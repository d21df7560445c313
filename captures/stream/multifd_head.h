// Head of a multifd packet (QEMU migration/multifd.h, MultiFDPacket_t and
// MultiFDPacketDeviceState_t).
#pragma once

#include "captures/stream/multifd_channel.h"
#include "captures/stream/window.h"

#include <vector>

namespace migscope::captures {

// What every packet begins with: magic and version.
inline constexpr size_t kMultifdMarkBytes = 8;

struct MultifdHead {
  uint32_t flags = 0;
  uint64_t packet_num = 0;
  MultifdMethod method = MultifdMethod::none;
  std::string_view name; // of the block or device
  // Byte offsets of pages in the block: `normal` ones, then zero pages.
  std::vector<uint64_t> pages;
  size_t normal = 0;
  uint32_t instance_id = 0; // of the device
  uint32_t payload_bytes = 0;
};

// Reads a head into `out`, whose name lives as long as the window; used = its
// bytes. A head that QEMU would not have written is malformed: what has passed
// holds for `page_size` and the ceilings of limits.h.
[[nodiscard]] Result<Step>
read_multifd_head(const Window& in, uint32_t page_size, MultifdHead& out);

} // namespace migscope::captures
