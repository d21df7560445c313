// Small qcow2 images with saved states, laid out as QEMU does.
#pragma once

#include "tests/support/bytes.h"

#include <string>

namespace migscope::test {

using testing::Bytes;

struct BuiltSnapshot {
  std::string name;
  Bytes state; // all zeros in a cluster: left out, as a hole
  // Filled in by build(): offsets in the image.
  size_t entry_at = 0;            // in the snapshot table
  size_t l1_at = 0;               // of the state's first L1 entry
  std::vector<size_t> l2_at = {}; // of the L2 entries of the state's clusters
};

struct Qcow2Builder {
  unsigned cluster_bits = 9;
  uint32_t version = 3;
  bool extended_l2 = false;
  bool extra_data = true; // of the snapshots; required in version 3
  uint64_t disk_bytes = 40 << 10;
  std::vector<BuiltSnapshot> snapshots = {};

  // Fills in the offsets, too.
  Bytes build();
};

inline void put_be(Bytes& out, size_t at, uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; i++)
    out[at + i] = static_cast<std::byte>(value >> (8 * (size - 1 - i)));
}

} // namespace migscope::test
