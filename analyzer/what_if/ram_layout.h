// Where RAM blocks lie in QEMU's own address space for them, ram_addr_t, which
// is not in the stream.
#pragma once

#include "captures/stream/events.h"

namespace migscope::analyzer {

// The first address of each block, in the order of the list, as the pc machines
// lay them out: memory, firmware, devices, tables, each behind the one before
// (QEMU system/physmem.c, find_ram_offset(), 7.2 to 11.1: at a multiple of 64
// pages, in the smallest gap, and without hot-unplug there is none). What lies
// behind a block that may grow is guessed.
[[nodiscard]] std::vector<uint64_t>
ram_addresses(std::span<const captures::RamBlock> blocks, uint32_t page_size);

} // namespace migscope::analyzer
