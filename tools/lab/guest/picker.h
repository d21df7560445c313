// Which page of the working set is written next.
#pragma once

#include "config.h"
#include "random.h"

struct picker {
  enum pattern pattern;
  uint32_t pages;
  uint32_t next;     // sequential
  uint32_t exponent; // zipf, in 1/65536
  uint32_t octaves;  // zipf: page ranks from 2^i to 2^(i+1) - 1
  uint32_t weights[32];
  uint32_t weight_sum;
};

void picker_init(struct picker* picker, const struct settings* settings);

// A page number from 0 to pages - 1; there must be at least one page.
uint32_t pick_page(struct picker* picker, struct random* random);
