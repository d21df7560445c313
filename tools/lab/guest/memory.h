// Where cold and hot memory lie in guest-physical space.
#pragma once

#include "config.h"
#include "console.h"
#include "multiboot.h"

enum { kMaxParts = 8 };

struct range {
  uint64_t start, end; // end is the first address behind
};

// One stretch, or several where a hole of the machine lies between.
struct area {
  struct range parts[kMaxParts];
  uint32_t part_count;
  uint32_t pages;
};

// Takes cold memory and then hot memory from the machine's RAM at and above
// config->base. Ends the guest with an ERROR line where there is too little.
void lay_out_memory(const struct multiboot_info* info,
                    const struct config* config, struct area* cold,
                    struct area* hot);

uint64_t page_address(const struct area* area, uint32_t page);

// `0x1000000-0x2000000,0x100000000-0x100400000`, or `none`.
void put_area(struct line* line, const struct area* area);
