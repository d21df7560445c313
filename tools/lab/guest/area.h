// Stretches of memory that the workload uses, whatever they were taken from.
#pragma once

#include "config.h"
#include "console.h"

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

uint64_t page_address(const struct area* area, uint32_t page);

// The first content of each of its pages.
void fill_area(const struct area* area, enum content content);

// How a READY line begins.
void put_ready(struct line* line, const struct area* cold,
               const struct area* hot);
