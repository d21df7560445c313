#include "analyzer/devices/virtio_features.h"

#include <doctest/doctest.h>

using namespace migscope::analyzer;

TEST_CASE("names of a device, of all devices, and of none") {
  CHECK(virtio_feature("virtio-net", 15) == "VIRTIO_NET_F_MRG_RXBUF");
  CHECK(virtio_feature("virtio-blk", 9) == "VIRTIO_BLK_F_FLUSH");
  CHECK(virtio_feature("virtio-blk", 32) == "VIRTIO_F_VERSION_1");
  CHECK(virtio_feature("virtio-rng", 29) == "VIRTIO_RING_F_EVENT_IDX");
  CHECK(virtio_feature("virtio-rng", 0) == "bit 0");
  CHECK(virtio_feature("virtio-net", 44) == "bit 44");
}

TEST_CASE("the bits of a word") {
  CHECK(virtio_features("virtio-scsi", 0x100000003) ==
        std::vector<std::string>{"VIRTIO_SCSI_F_INOUT", "VIRTIO_SCSI_F_HOTPLUG",
                                 "VIRTIO_F_VERSION_1"});
  CHECK(virtio_features("virtio-net", 2, 64) ==
        std::vector<std::string>{"VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO"});
  CHECK(virtio_features("virtio-net", 0).empty());
}
