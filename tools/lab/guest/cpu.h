// Single instructions that C has no words for.
#pragma once

#include <stdint.h>

static inline void outb(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static inline uint64_t rdtsc(void) {
  uint64_t value;
  __asm__ volatile("rdtsc" : "=A"(value));
  return value;
}

static inline void copy_words(uint32_t* to, const uint32_t* from,
                              uint32_t count) {
  __asm__ volatile("rep movsl"
                   : "+D"(to), "+S"(from), "+c"(count)
                   :
                   : "memory");
}

static inline void clear_words(uint32_t* to, uint32_t count) {
  __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0) : "memory");
}

// 64 by 32 bits; a C division would call libgcc, which is not linked.
static inline uint64_t divide(uint64_t value, uint32_t by) {
  uint32_t high = (uint32_t)(value >> 32);
  uint32_t low, rest = high % by;
  __asm__("divl %4"
          : "=a"(low), "=d"(rest)
          : "0"((uint32_t)value), "1"(rest), "rm"(by));
  return ((uint64_t)(high / by) << 32) | low;
}
