// Reaching all of physical memory from 32 bits.
//
// PAE with 2 MiB pages. The first GiB is mapped to itself. The other three are
// a window of 1536 slots, filled on demand: physical frame F (2 MiB) goes into
// slot F modulo 1536, so that an area of up to 3 GiB settles in it for good.
#pragma once

#include <stdint.h>

void paging_init(void);

// A pointer to the page at this address; valid until the next call.
uint32_t* map_page(uint64_t address);
