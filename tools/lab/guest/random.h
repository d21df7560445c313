// Numbers that look random and follow from the seed.
#pragma once

#include <stdint.h>

// A bijection on 32 bits that spreads every input bit over all output bits.
static inline uint32_t scramble(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352d;
  x = (x ^ (x >> 15)) * 0x846ca68b;
  return x ^ (x >> 16);
}

struct random {
  uint32_t state;
};

static inline uint32_t next_random(struct random* random) {
  random->state += 0x9e3779b9;
  return scramble(random->state);
}

// From 0 to below - 1.
static inline uint32_t random_below(struct random* random, uint32_t below) {
  return (uint32_t)(((uint64_t)next_random(random) * below) >> 32);
}
