// The subsections that end a virtio blob: QEMU vmstate_virtio and those below
// it in hw/virtio/virtio.c, virtio-pci.c and virtio-mmio.c.
#pragma once

#include "captures/vmstate/blob_reader.h"

namespace migscope::captures {

inline constexpr std::string_view kVirtio64BitFeatures =
    "virtio/64bit_features";
// The word of virtio/128bit_features (10.2+): bits 64 to 127.
inline constexpr std::string_view kVirtioMoreFeatures = "guest_features_ex[1]";

// Where, from `from` on, subsections begin that fill the blob to its last
// byte; the blob's size where there are none.
[[nodiscard]] size_t find_virtio_subsections(std::span<const std::byte> blob,
                                             size_t from);

// Reads subsections up to the end; `in` stands where they begin, or at the end.
// The device has `used` queues, of the 1024 that there could be at most.
void read_virtio_subsections(BlobReader& in, size_t used);

} // namespace migscope::captures
