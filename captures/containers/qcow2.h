// The internal snapshots of a qcow2 image: what `savevm` and `snapshot-save`
// leave there.
//
// Source: QEMU docs/interop/qcow2.txt (qcow2.rst since 10.2), versions 2 and 3,
// and block/qcow2.h (qcow2_vm_state_offset). A snapshot keeps a copy of the L1
// table; the saved state is stored like disk content, from the first L1 entry
// behind the disk's last.
//
// qemu-img shows and restores the disk of a snapshot only, never its saved
// state, so the format is read here.
#pragma once

#include "base/error.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace migscope::captures {

struct Qcow2Snapshot {
  std::string id;
  std::string name;
  uint64_t state_bytes = 0; // 0: the disk alone was kept
  uint64_t disk_bytes = 0;
  uint64_t l1_offset = 0; // in the file
  uint32_t l1_entries = 0;
};

struct Qcow2Image {
  unsigned cluster_bits = 0;
  bool extended_l2 = false; // entries of 16 bytes, with subclusters
  bool corrupt = false;     // QEMU found it so and marked it
  std::vector<Qcow2Snapshot> snapshots;
};

// `file` is the whole image. Fails with kind truncated, malformed or
// unsupported (encryption, a data file of its own, unknown features) and the
// offset in the file.
[[nodiscard]] Result<Qcow2Image> parse_qcow2(std::span<const std::byte> file);

// The one with a saved state whose id or name is `wanted`; without `wanted` the
// only one. Fails with what there is to choose from.
[[nodiscard]] Result<Qcow2Snapshot>
pick_snapshot(const Qcow2Image& image,
              const std::optional<std::string>& wanted);

} // namespace migscope::captures
