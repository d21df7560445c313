#include "captures/vmstate/virtio.h"

#include "captures/vmstate/blob_reader.h"
#include "captures/vmstate/virtio_subsections.h"

#include <algorithm>
#include <optional>

namespace migscope::captures {
namespace {

// PCI configuration space: Linux include/uapi/linux/pci_regs.h.
constexpr size_t kPciConfig = 256, kPcieConfig = 4096;
constexpr size_t kPciStatus = 0x06, kPciCapabilityList = 0x34;
constexpr unsigned kPciStatusCapList = 0x10;
constexpr unsigned kPciCapExpress = 0x10, kPciCapMsix = 0x11;
constexpr uint16_t kRedHatVendor = 0x1af4; // of all virtio devices
constexpr std::string_view kLowFeatures = "guest_features_low";
constexpr uint32_t kMaxQueues = 1024;       // VIRTIO_QUEUE_MAX
constexpr uint32_t kMaxQueueEntries = 1024; // VIRTQUEUE_MAX_SIZE

struct Bus {
  bool msix = false;
  bool queue_alignment = false; // virtio-mmio
};

unsigned at(std::span<const std::byte> config, size_t offset) {
  return std::to_integer<unsigned>(config[offset]);
}

// Where the capability stands in a configuration space; 0: nowhere.
size_t find_capability(std::span<const std::byte> config, unsigned id) {
  if (!(at(config, kPciStatus) & kPciStatusCapList))
    return 0;
  size_t place = at(config, kPciCapabilityList) & ~3u;
  // As many as have room, lest a loop is followed forever.
  for (int hops = 0; place >= 0x40 && hops < 48; ++hops) {
    if (at(config, place) == id)
      return place;
    place = at(config, place + 1) & ~3u;
  }
  return 0;
}

// PCIDevice, its MSI-X table where it has one, and the vector of configuration
// changes.
std::optional<Bus> read_pci(BlobReader& in) {
  in.integer("pci.version_id", 4);
  auto config = in.peek(kPciConfig);
  if (config.empty())
    return {};
  bool express = find_capability(config, kPciCapExpress) != 0;
  in.bytes("pci.config", express ? kPcieConfig : kPciConfig);
  in.words("pci.irq_state", 4, 4);
  size_t msix = find_capability(config, kPciCapMsix);
  if (!msix)
    return Bus{};
  size_t vectors =
      ((at(config, msix + 2) | at(config, msix + 3) << 8) & 0x7ff) + 1;
  in.bytes("msix.table", vectors * 16);
  in.bytes("msix.pba", (vectors + 7) / 8);
  in.integer("config_vector", 2);
  return Bus{true, false};
}

// The vendor stands after a version. There, virtio-mmio has a selector of a
// feature word, which is small.
bool is_pci(std::span<const std::byte> blob) {
  return blob.size() >= 6 && (at(blob, 4) | at(blob, 5) << 8) == kRedHatVendor;
}

std::optional<Bus> read_mmio(BlobReader& in) {
  in.integer("mmio.host_features_sel", 4);
  in.integer("mmio.guest_features_sel", 4);
  in.integer("mmio.guest_page_shift", 4);
  return Bus{false, true};
}

// How many there are; nothing for what no device can have.
std::optional<size_t> read_queues(BlobReader& in, const Bus& bus) {
  uint64_t count = in.integer("num_queues", 4);
  if (count > kMaxQueues)
    return {};
  if (count == 0)
    return 0;
  auto queues = in.open("queues", ValueKind::array);
  for (uint64_t i = 0; i < count && !in.is_short(); ++i) {
    auto queue = in.open({}, ValueKind::structure);
    uint64_t entries = in.integer("num", 4);
    if (entries == 0 || entries > kMaxQueueEntries)
      return {};
    if (bus.queue_alignment)
      in.integer("align", 4);
    in.integer("desc", 8);
    in.integer("last_avail_idx", 2);
    if (bus.msix)
      in.integer("vector", 2);
  }
  return count;
}

std::vector<Value> decode_as(std::span<const std::byte> blob, uint64_t offset,
                             std::optional<Bus> (*read_bus)(BlobReader&)) {
  BlobReader in(blob, offset);
  auto bus = read_bus(in);
  if (!bus)
    return {};
  in.integer("status", 1);
  in.integer("isr", 1);
  if (in.integer("queue_sel", 2) >= kMaxQueues)
    return {};
  in.features(kLowFeatures, 4);
  uint64_t config_bytes = in.integer("config_len", 4);
  in.bytes("config", config_bytes);
  auto queues = read_queues(in, *bus);
  if (!queues || in.is_short())
    return {};
  size_t tail = find_virtio_subsections(blob, in.at());
  // Nothing else tells virtio-mmio from other bytes. Its devices have one for
  // the features at least, be it that VERSION_1 is offered.
  if (bus->queue_alignment && tail == blob.size())
    return {};
  if (tail > in.at())
    in.bytes("device", tail - in.at());
  read_virtio_subsections(in, *queues);
  auto out = in.take();
  // The subsection has the whole word.
  if (std::ranges::find(out, kVirtio64BitFeatures, &Value::name) != out.end())
    std::ranges::find(out, kLowFeatures, &Value::name)->type = "uint32";
  return out;
}

} // namespace

unsigned first_feature_bit(const Value& word) {
  return word.name == kVirtioMoreFeatures ? 64 : 0;
}

std::vector<Value> decode_virtio(std::span<const std::byte> blob,
                                 uint64_t offset) {
  return decode_as(blob, offset, is_pci(blob) ? read_pci : read_mmio);
}

} // namespace migscope::captures
