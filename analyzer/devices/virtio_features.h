// Names of virtio's feature bits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace migscope::analyzer {

// "VIRTIO_NET_F_MRG_RXBUF"; "bit 41" for one without a name. The device is
// named by its vmstate ("virtio-net").
[[nodiscard]] std::string virtio_feature(std::string_view vmsd_name,
                                         unsigned bit);

// The bits that are set, lowest first. Bit 0 of the word is `first_bit`.
[[nodiscard]] std::vector<std::string>
virtio_features(std::string_view vmsd_name, uint64_t word,
                unsigned first_bit = 0);

} // namespace migscope::analyzer
