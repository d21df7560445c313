// Pages encoded as the difference to what they were (QEMU migration/xbzrle.c).
#pragma once

#include "base/error.h"

#include <optional>
#include <span>

namespace migscope::captures {

// Turns `page`, the content last sent for it, into its new content. Fails with
// kind malformed and the offset inside `encoded`; `page` is then unchanged.
[[nodiscard]] Status xbzrle_decode(std::span<const std::byte> encoded,
                                   std::span<std::byte> page);

// The difference from `before` to `after`, both of a page, as
// xbzrle_encode_buffer() of QEMU 7.2 to 11.1 writes it into `out`; how many
// bytes that are, 0 where nothing changed. Nothing where QEMU gives up and
// sends the page whole, because `out`, a page there, has no room. (8.0 and
// later have another encoder for AVX-512, which finds room in rare cases where
// this one stops one byte short of a page.)
[[nodiscard]] std::optional<size_t>
xbzrle_encode(std::span<const std::byte> before,
              std::span<const std::byte> after, std::span<std::byte> out);

} // namespace migscope::captures
