#include "analyzer/devices/virtio_features.h"

#include <fmt/format.h>
#include <span>

namespace migscope::analyzer {
namespace {

// Names as in Linux include/uapi/linux/virtio_*.h.
struct Feature {
  unsigned bit;
  std::string_view name;
};

// Of every device: the ring's and the transport's.
constexpr Feature kAll[] = {
    {24, "VIRTIO_F_NOTIFY_ON_EMPTY"},    {27, "VIRTIO_F_ANY_LAYOUT"},
    {28, "VIRTIO_RING_F_INDIRECT_DESC"}, {29, "VIRTIO_RING_F_EVENT_IDX"},
    {32, "VIRTIO_F_VERSION_1"},          {33, "VIRTIO_F_ACCESS_PLATFORM"},
    {34, "VIRTIO_F_RING_PACKED"},        {35, "VIRTIO_F_IN_ORDER"},
    {36, "VIRTIO_F_ORDER_PLATFORM"},     {37, "VIRTIO_F_SR_IOV"},
    {38, "VIRTIO_F_NOTIFICATION_DATA"},  {39, "VIRTIO_F_NOTIF_CONFIG_DATA"},
    {40, "VIRTIO_F_RING_RESET"},         {41, "VIRTIO_F_ADMIN_VQ"},
};

constexpr Feature kNet[] = {
    {0, "VIRTIO_NET_F_CSUM"},
    {1, "VIRTIO_NET_F_GUEST_CSUM"},
    {2, "VIRTIO_NET_F_CTRL_GUEST_OFFLOADS"},
    {3, "VIRTIO_NET_F_MTU"},
    {5, "VIRTIO_NET_F_MAC"},
    {6, "VIRTIO_NET_F_GSO"},
    {7, "VIRTIO_NET_F_GUEST_TSO4"},
    {8, "VIRTIO_NET_F_GUEST_TSO6"},
    {9, "VIRTIO_NET_F_GUEST_ECN"},
    {10, "VIRTIO_NET_F_GUEST_UFO"},
    {11, "VIRTIO_NET_F_HOST_TSO4"},
    {12, "VIRTIO_NET_F_HOST_TSO6"},
    {13, "VIRTIO_NET_F_HOST_ECN"},
    {14, "VIRTIO_NET_F_HOST_UFO"},
    {15, "VIRTIO_NET_F_MRG_RXBUF"},
    {16, "VIRTIO_NET_F_STATUS"},
    {17, "VIRTIO_NET_F_CTRL_VQ"},
    {18, "VIRTIO_NET_F_CTRL_RX"},
    {19, "VIRTIO_NET_F_CTRL_VLAN"},
    {20, "VIRTIO_NET_F_CTRL_RX_EXTRA"},
    {21, "VIRTIO_NET_F_GUEST_ANNOUNCE"},
    {22, "VIRTIO_NET_F_MQ"},
    {23, "VIRTIO_NET_F_CTRL_MAC_ADDR"},
    {46, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_MAPPED"},
    {47, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM_MAPPED"},
    {50, "VIRTIO_NET_F_DEVICE_STATS"},
    {52, "VIRTIO_NET_F_VQ_NOTF_COAL"},
    {53, "VIRTIO_NET_F_NOTF_COAL"},
    {54, "VIRTIO_NET_F_GUEST_USO4"},
    {55, "VIRTIO_NET_F_GUEST_USO6"},
    {56, "VIRTIO_NET_F_HOST_USO"},
    {57, "VIRTIO_NET_F_HASH_REPORT"},
    {59, "VIRTIO_NET_F_GUEST_HDRLEN"},
    {60, "VIRTIO_NET_F_RSS"},
    {61, "VIRTIO_NET_F_RSC_EXT"},
    {62, "VIRTIO_NET_F_STANDBY"},
    {63, "VIRTIO_NET_F_SPEED_DUPLEX"},
    {65, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO"},
    {66, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM"},
    {67, "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO"},
    {68, "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM"},
};

constexpr Feature kBlk[] = {
    {0, "VIRTIO_BLK_F_BARRIER"},
    {1, "VIRTIO_BLK_F_SIZE_MAX"},
    {2, "VIRTIO_BLK_F_SEG_MAX"},
    {4, "VIRTIO_BLK_F_GEOMETRY"},
    {5, "VIRTIO_BLK_F_RO"},
    {6, "VIRTIO_BLK_F_BLK_SIZE"},
    {7, "VIRTIO_BLK_F_SCSI"},
    {9, "VIRTIO_BLK_F_FLUSH"},
    {10, "VIRTIO_BLK_F_TOPOLOGY"},
    {11, "VIRTIO_BLK_F_CONFIG_WCE"},
    {12, "VIRTIO_BLK_F_MQ"},
    {13, "VIRTIO_BLK_F_DISCARD"},
    {14, "VIRTIO_BLK_F_WRITE_ZEROES"},
    {16, "VIRTIO_BLK_F_SECURE_ERASE"},
    {17, "VIRTIO_BLK_F_ZONED"},
};

constexpr Feature kScsi[] = {
    {0, "VIRTIO_SCSI_F_INOUT"},
    {1, "VIRTIO_SCSI_F_HOTPLUG"},
    {2, "VIRTIO_SCSI_F_CHANGE"},
    {3, "VIRTIO_SCSI_F_T10_PI"},
};

constexpr Feature kGpu[] = {
    {0, "VIRTIO_GPU_F_VIRGL"},         {1, "VIRTIO_GPU_F_EDID"},
    {2, "VIRTIO_GPU_F_RESOURCE_UUID"}, {3, "VIRTIO_GPU_F_RESOURCE_BLOB"},
    {4, "VIRTIO_GPU_F_CONTEXT_INIT"},
};

constexpr Feature kBalloon[] = {
    {0, "VIRTIO_BALLOON_F_MUST_TELL_HOST"},
    {1, "VIRTIO_BALLOON_F_STATS_VQ"},
    {2, "VIRTIO_BALLOON_F_DEFLATE_ON_OOM"},
    {3, "VIRTIO_BALLOON_F_FREE_PAGE_HINT"},
    {4, "VIRTIO_BALLOON_F_PAGE_POISON"},
    {5, "VIRTIO_BALLOON_F_REPORTING"},
};

constexpr Feature kConsole[] = {
    {0, "VIRTIO_CONSOLE_F_SIZE"},
    {1, "VIRTIO_CONSOLE_F_MULTIPORT"},
    {2, "VIRTIO_CONSOLE_F_EMERG_WRITE"},
};

constexpr Feature kIommu[] = {
    {0, "VIRTIO_IOMMU_F_INPUT_RANGE"},   {1, "VIRTIO_IOMMU_F_DOMAIN_RANGE"},
    {2, "VIRTIO_IOMMU_F_MAP_UNMAP"},     {3, "VIRTIO_IOMMU_F_BYPASS"},
    {4, "VIRTIO_IOMMU_F_PROBE"},         {5, "VIRTIO_IOMMU_F_MMIO"},
    {6, "VIRTIO_IOMMU_F_BYPASS_CONFIG"},
};

constexpr Feature kMem[] = {
    {0, "VIRTIO_MEM_F_ACPI_PXM"},
    {1, "VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE"},
    {2, "VIRTIO_MEM_F_PERSISTENT_SUSPEND"},
};

constexpr Feature kPmem[] = {
    {0, "VIRTIO_PMEM_F_SHMEM_REGION"},
};

constexpr Feature kVsock[] = {
    {1, "VIRTIO_VSOCK_F_SEQPACKET"},
};

// Whose device, by the name of its vmstate.
struct Device {
  std::string_view vmsd_name;
  std::span<const Feature> features;
};

constexpr Device kDevices[] = {
    {"virtio-net", kNet},         {"virtio-blk", kBlk},
    {"vhost-user-blk", kBlk},     {"virtio-scsi", kScsi},
    {"virtio-vhost_scsi", kScsi}, {"virtio-gpu", kGpu},
    {"virtio-balloon", kBalloon}, {"virtio-console", kConsole},
    {"virtio-iommu", kIommu},     {"virtio-mem", kMem},
    {"virtio-pmem", kPmem},       {"virtio-vhost_vsock", kVsock},
    {"vhost-user-vsock", kVsock},
};

std::span<const Feature> features_of(std::string_view vmsd_name) {
  for (const Device& device : kDevices)
    if (device.vmsd_name == vmsd_name)
      return device.features;
  return {};
}

} // namespace

std::string virtio_feature(std::string_view vmsd_name, unsigned bit) {
  for (std::span<const Feature> list :
       {features_of(vmsd_name), std::span<const Feature>(kAll)})
    for (const Feature& feature : list)
      if (feature.bit == bit)
        return std::string(feature.name);
  return fmt::format("bit {}", bit);
}

std::vector<std::string> virtio_features(std::string_view vmsd_name,
                                         uint64_t word, unsigned first_bit) {
  std::vector<std::string> out;
  for (unsigned i = 0; i < 64; ++i)
    if (word >> i & 1)
      out.push_back(virtio_feature(vmsd_name, first_bit + i));
  return out;
}

} // namespace migscope::analyzer
