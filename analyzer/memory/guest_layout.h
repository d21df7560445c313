// Where a guest finds its RAM blocks: guest-physical addresses.
//
// The stream does not say it. For a PC it follows from the sizes of RAM below
// and above 4 GiB, which the firmware's CMOS holds, or else from the machine
// type's rule (QEMU hw/i386/pc_piix.c, pc_q35.c, microvm.c, 7.2 to 11.1).
#pragma once

#include "analyzer/memory/machine_facts.h"

namespace migscope::analyzer {

struct LayoutPiece {
  size_t block = 0;     // index
  uint64_t offset = 0;  // in the block
  uint64_t bytes = 0;   // not 0
  uint64_t address = 0; // guest-physical
};

struct GuestLayout {
  std::vector<LayoutPiece> pieces; // by address; none overlap
  bool has_ram = false;            // the machine's RAM is among them
  // How sure it is, and what was left out.
  std::vector<std::string> notes;
};

[[nodiscard]] GuestLayout
guest_layout(std::span<const captures::RamBlock> blocks,
             const MachineFacts& facts);

struct BlockAddress {
  size_t block = 0;
  uint64_t offset = 0;
};

// Nothing where no block lies at the address.
[[nodiscard]] std::optional<BlockAddress>
find_address(const GuestLayout& layout, uint64_t address);

// Where the guest finds a stretch of a block; nothing where that is not known,
// or where it does not lie in one piece.
[[nodiscard]] std::optional<uint64_t> guest_address(const GuestLayout& layout,
                                                    size_t block,
                                                    uint64_t offset,
                                                    uint64_t bytes);

} // namespace migscope::analyzer
