// Where in a qcow2 image the bytes of a snapshot's saved state are.
#pragma once

#include "captures/containers/qcow2.h"

namespace migscope::captures {

class Qcow2Map {
public:
  // A stretch of the state, never empty.
  struct Run {
    // In the file, which has all of it; nothing for zeros.
    std::optional<uint64_t> offset;
    uint64_t bytes = 0;
  };

  // `file` outlives the map. Fails where the L1 table is not in the file or
  // too short for the state.
  [[nodiscard]] static Result<Qcow2Map> of(std::span<const std::byte> file,
                                           const Qcow2Image& image,
                                           const Qcow2Snapshot& snapshot);

  [[nodiscard]] uint64_t bytes() const { return bytes_; } // of the state

  // Takes for the state all up to the last cluster that is there, whatever
  // size the snapshot says, without the zeros at the end.
  void take_all();

  // `position` is below bytes(). Fails with kind malformed, truncated or
  // unsupported (a compressed cluster) and the offset in the file.
  [[nodiscard]] Result<Run> run_at(uint64_t position) const;

private:
  Qcow2Map(std::span<const std::byte> file, const Qcow2Image& image,
           const Qcow2Snapshot& snapshot);

  [[nodiscard]] Result<Run> run_in_table(uint64_t table,
                                         uint64_t position) const;
  [[nodiscard]] Result<Run> data(uint64_t cluster, uint64_t position) const;
  bool trim_unit();
  [[nodiscard]] uint64_t number_at(uint64_t offset) const;
  // From `position` to the next multiple of 2^bits or the end of the state.
  [[nodiscard]] uint64_t left_in(unsigned bits, uint64_t position) const;

  std::span<const std::byte> file_;
  uint64_t bytes_;
  uint64_t l1_;      // offset in the file of the state's first L1 entry
  uint64_t entries_; // L1 entries of the state
  unsigned cluster_bits_;
  unsigned unit_bits_;    // of what is there or not: a cluster, a subcluster
  unsigned entry_bits_;   // of an L2 entry's size
  unsigned l1_span_bits_; // of what one L1 entry covers
};

} // namespace migscope::captures
