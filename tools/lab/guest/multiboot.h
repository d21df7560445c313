// The loader's information structure (multiboot 0.6.96, section 3.3), as far
// as it is used here.
#pragma once

#include <stdint.h>

enum {
  kMultibootLoaderMagic = 0x2badb002,
  kMultibootHasCommandLine = 1 << 2,
  kMultibootHasMemoryMap = 1 << 6,
  kMultibootRam = 1,
};

struct multiboot_info {
  uint32_t flags;
  uint32_t memory_low, memory_high;
  uint32_t boot_device;
  uint32_t command_line;
  uint32_t modules[2];
  uint32_t symbols[4];
  uint32_t map_length, map_address;
};

struct __attribute__((packed)) multiboot_map_entry {
  uint32_t size; // of what follows this field
  uint64_t start;
  uint64_t length;
  uint32_t type;
};
