// Pages encoded as the difference to what they were (QEMU migration/xbzrle.c).
#pragma once

#include "base/error.h"

#include <span>

namespace migscope::captures {

// Turns `page`, the content last sent for it, into its new content. Fails with
// kind malformed and the offset inside `encoded`; `page` is then unchanged.
[[nodiscard]] Status xbzrle_decode(std::span<const std::byte> encoded,
                                   std::span<std::byte> page);

} // namespace migscope::captures
