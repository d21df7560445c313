#include "captures/vmstate/virtio_subsections.h"

#include "captures/stream/wire.h"

#include <algorithm>

namespace migscope::captures {
namespace {

// Arrays have one element for each possible queue (VIRTIO_QUEUE_MAX), used or
// not.
constexpr size_t kQueues = 1024;

// Reads those of the device's own queues one by one, the rest as bytes.
void read_queues(BlobReader& in, std::string_view name, size_t used,
                 size_t queue_bytes, void (*read)(BlobReader&)) {
  size_t begin = in.at();
  if (used) {
    auto array = in.open(name, ValueKind::array);
    for (size_t i = 0; i < used; ++i) {
      auto queue = in.open({}, ValueKind::structure);
      read(in);
    }
  }
  in.bytes("unused_queues", kQueues * queue_bytes - (in.at() - begin));
}

void read_device_endian(BlobReader& in, size_t) {
  in.integer("device_endian", 1);
}
void read_features(BlobReader& in, size_t) {
  in.features("guest_features", 8);
}
void read_more_features(BlobReader& in, size_t) {
  in.features(kVirtioMoreFeatures, 8);
}
void read_broken(BlobReader& in, size_t) {
  in.boolean("broken");
}
void read_started(BlobReader& in, size_t) {
  in.boolean("started");
}
void read_disabled(BlobReader& in, size_t) {
  in.boolean("disabled");
}

void read_one_virtqueues(BlobReader& in) {
  in.integer("vring.avail", 8);
  in.integer("vring.used", 8);
}

void read_virtqueues(BlobReader& in, size_t used) {
  read_queues(in, "vq", used, 16, read_one_virtqueues);
}

void read_one_packed_virtqueues(BlobReader& in) {
  in.integer("last_avail_idx", 2);
  in.boolean("last_avail_wrap_counter");
  in.integer("used_idx", 2);
  in.boolean("used_wrap_counter");
  in.integer("inuse", 4);
}

void read_packed_virtqueues(BlobReader& in, size_t used) {
  read_queues(in, "vq", used, 10, read_one_packed_virtqueues);
}

void read_ringsize(BlobReader& in, size_t used) {
  in.words("vring.num_default", used, 4);
  in.bytes("unused_queues", (kQueues - used) * 4);
}

void read_extra_state(BlobReader& in, size_t used);

void read_one_pci_state(BlobReader& in) {
  in.integer("num", 2);
  in.bytes("unused", 1);
  in.boolean("enabled");
  in.words("desc", 2, 4);
  in.words("avail", 2, 4);
  in.words("used", 2, 4);
}

void read_pci_state(BlobReader& in, size_t used) {
  in.integer("dfselect", 4);
  in.integer("gfselect", 4);
  in.words("guest_features", 2, 4);
  read_queues(in, "vqs", used, 28, read_one_pci_state);
}

void read_one_mmio_state(BlobReader& in) {
  in.integer("num", 2);
  in.boolean("enabled");
  in.words("desc", 2, 4);
  in.words("avail", 2, 4);
  in.words("used", 2, 4);
}

void read_mmio_state(BlobReader& in, size_t used) {
  in.words("guest_features", 2, 4);
  read_queues(in, "vqs", used, 27, read_one_mmio_state);
}

struct Subsection {
  std::string_view name;
  size_t body_bytes;
  void (*read)(BlobReader&, size_t used_queues);
};

constexpr Subsection kPciState = {"virtio_pci/modern_state", 16 + 28 * kQueues,
                                  read_pci_state};
constexpr Subsection kMmioState = {"virtio_mmio/state", 8 + 27 * kQueues,
                                   read_mmio_state};

// virtio/extra_state is the transport's vmstate, which is a subsection alone.
constexpr Subsection kSubsections[] = {
    {"virtio/device_endian", 1, read_device_endian},
    {kVirtio64BitFeatures, 8, read_features},
    {"virtio/128bit_features", 8, read_more_features},
    {"virtio/virtqueues", 16 * kQueues, read_virtqueues},
    {"virtio/ringsize", 4 * kQueues, read_ringsize},
    {"virtio/broken", 1, read_broken},
    {"virtio/extra_state", 0, read_extra_state},
    {"virtio/started", 1, read_started},
    {"virtio/packed_virtqueues", 10 * kQueues, read_packed_virtqueues},
    {"virtio/disabled", 1, read_disabled},
};

// Type byte, counted name, version.
size_t head_bytes(const Subsection& it) {
  return 1 + 1 + it.name.size() + 4;
}

// Whether the subsection begins with the first of these bytes.
bool begins(const Subsection& it, std::span<const std::byte> bytes) {
  if (bytes.size() < head_bytes(it) + it.body_bytes ||
      bytes[0] != std::byte{wire::kSubsection} ||
      bytes[1] != static_cast<std::byte>(it.name.size()))
    return false;
  auto name = bytes.subspan(2, it.name.size());
  return std::equal(name.begin(), name.end(), it.name.begin(),
                    [](std::byte byte, char letter) {
                      return byte == static_cast<std::byte>(letter);
                    });
}

const Subsection* find_subsection(std::span<const std::byte> bytes) {
  for (const Subsection& it : kSubsections)
    if (begins(it, bytes))
      return &it;
  for (const Subsection* it : {&kPciState, &kMmioState})
    if (begins(*it, bytes))
      return it;
  return nullptr;
}

// Whether nothing but subsections follows. Each comes once, so that no more
// than these few steps are needed.
bool only_subsections(std::span<const std::byte> bytes) {
  for (size_t i = 0; i <= std::size(kSubsections) && !bytes.empty(); ++i) {
    const Subsection* it = find_subsection(bytes);
    if (!it)
      return false;
    bytes = bytes.subspan(head_bytes(*it) + it->body_bytes);
  }
  return bytes.empty();
}

void read_subsection(BlobReader& in, const Subsection& it, size_t used) {
  auto open = in.open(it.name, ValueKind::structure, "subsection");
  in.skip(head_bytes(it));
  it.read(in, used);
}

void read_extra_state(BlobReader& in, size_t used) {
  for (const Subsection* it : {&kPciState, &kMmioState})
    if (begins(*it, in.peek(in.left())))
      return read_subsection(in, *it, used);
}

} // namespace

size_t find_virtio_subsections(std::span<const std::byte> blob, size_t from) {
  for (size_t at = from; at < blob.size(); ++at)
    if (blob[at] == std::byte{wire::kSubsection} &&
        only_subsections(blob.subspan(at)))
      return at;
  return blob.size();
}

void read_virtio_subsections(BlobReader& in, size_t used) {
  while (in.left() > 0 && !in.is_short()) {
    const Subsection* it = find_subsection(in.peek(in.left()));
    if (!it)
      return;
    read_subsection(in, *it, used);
  }
}

} // namespace migscope::captures
