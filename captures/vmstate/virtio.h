// The field of type `virtio`, which the description holds to be one blob: what
// the transport, the virtio core and its subsections keep. Layout: QEMU
// virtio_save() and vmstate_virtio of hw/virtio/virtio.c, save_config and
// save_queue of virtio-pci.c and virtio-mmio.c; the same in 7.2 to 11.1.
#pragma once

#include "captures/vmstate/values.h"

namespace migscope::captures {

// Type of a value that is a word of feature bits.
inline constexpr std::string_view kVirtioFeatures = "virtio features";

// The number of such a word's lowest bit.
[[nodiscard]] unsigned first_feature_bit(const Value& word);

// All of `blob`, which stands at `offset` of the channel: members of transport
// and core, then `device` (bytes that only the device knows), then the core's
// subsections. Empty where the blob is anything else (virtio-ccw, or a later
// layout): no guess is made.
[[nodiscard]] std::vector<Value> decode_virtio(std::span<const std::byte> blob,
                                               uint64_t offset);

} // namespace migscope::captures
