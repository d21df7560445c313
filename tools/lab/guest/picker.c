// Zipf: the page of rank k (from 1) is picked with a probability in proportion
// to k^-s, exactly, by rejection. The bound is flat over each octave of ranks:
// an octave is drawn by its share of the bound, a rank evenly inside it, and
// the rank is kept with probability (first rank of the octave / k)^s.

#include "picker.h"

enum { kOneShift = 26, kOne = 1 << kOneShift }; // probabilities

// 2^(-1/2), 2^(-1/4), 2^(-1/8) ... in 1/2^32.
static const uint32_t kRoots[16] = {
    0xb504f334, 0xd744fccb, 0xeac0c6e8, 0xf5257d15, 0xfa83b2db, 0xfd3e0c0d,
    0xfe9e115c, 0xff4ecb59, 0xffa75652, 0xffd3a752, 0xffe9d2b3, 0xfff4e91c,
    0xfffa747f, 0xfffd3a3b, 0xfffe9d1d, 0xffff4e8e};

// 2^-x for x in 1/65536.
static uint32_t power_of_half(uint64_t x) {
  if (x >> 16 > kOneShift)
    return 0;
  uint32_t result = 1u << 31;
  for (uint32_t i = 0; i < 16; ++i)
    if (x & (0x8000u >> i))
      result = (uint32_t)(((uint64_t)result * kRoots[i]) >> 32);
  return result >> (31 - kOneShift) >> (x >> 16);
}

static uint32_t floor_log2(uint32_t x) {
  return 31 - (uint32_t)__builtin_clz(x);
}

// The part of log2(x) behind the point, in 1/65536, bit by bit: squaring
// doubles the logarithm.
static uint32_t log2_fraction(uint32_t x) {
  uint32_t mantissa = x << __builtin_clz(x), result = 0;
  for (uint32_t i = 0; i < 16; ++i) {
    uint64_t square = ((uint64_t)mantissa * mantissa) >> 31;
    uint32_t carry = (uint32_t)(square >> 32);
    result = result << 1 | carry;
    mantissa = (uint32_t)(square >> carry);
  }
  return result;
}

// The bound's share of octave i is 2^(i(1 - s)), scaled so that the largest
// is one.
static void weigh_octaves(struct picker* picker) {
  uint32_t last = floor_log2(picker->pages), one = 1 << 16;
  picker->octaves = last + 1;
  picker->weight_sum = 0;
  for (uint32_t i = 0; i <= last; ++i) {
    uint64_t x = picker->exponent > one
                     ? (uint64_t)i * (picker->exponent - one)
                     : (uint64_t)(last - i) * (one - picker->exponent);
    picker->weights[i] = power_of_half(x);
    picker->weight_sum += picker->weights[i];
  }
}

void picker_init(struct picker* picker, const struct settings* settings) {
  picker->pattern = settings->pattern;
  picker->pages = settings->pages;
  picker->next = 0;
  picker->exponent = settings->exponent;
  if (picker->pattern == PATTERN_ZIPF && picker->pages)
    weigh_octaves(picker);
}

static uint32_t draw_octave(const struct picker* picker,
                            struct random* random) {
  uint32_t at = random_below(random, picker->weight_sum), octave = 0;
  while (at >= picker->weights[octave])
    at -= picker->weights[octave++];
  return octave;
}

static uint32_t pick_zipf(const struct picker* picker, struct random* random) {
  for (;;) {
    uint32_t octave = draw_octave(picker, random);
    uint32_t rank = (1u << octave) + random_below(random, 1u << octave);
    uint64_t x = ((uint64_t)picker->exponent * log2_fraction(rank)) >> 16;
    if (rank <= picker->pages &&
        next_random(random) >> (32 - kOneShift) < power_of_half(x))
      return rank - 1;
  }
}

uint32_t pick_page(struct picker* picker, struct random* random) {
  if (picker->pattern == PATTERN_ZIPF)
    return pick_zipf(picker, random);
  if (picker->pattern == PATTERN_RANDOM)
    return random_below(random, picker->pages);
  uint32_t page = picker->next++;
  if (picker->next == picker->pages)
    picker->next = 0;
  return page;
}
