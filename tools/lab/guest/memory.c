#include "memory.h"

// Page numbers are 32 bits wide.
static const uint64_t kHighest = (1ull << 32) << kPageShift;

struct ram {
  struct range parts[kMaxParts];
  uint32_t part_count;
};

static uint64_t align_down(uint64_t address) {
  return address & ~(uint64_t)(kPageSize - 1);
}

static void add_entry(struct ram* ram, const struct multiboot_map_entry* entry,
                      uint64_t base) {
  uint64_t start = align_down(entry->start + kPageSize - 1);
  uint64_t end = align_down(entry->start + entry->length);
  start = start < base ? base : start;
  end = end > kHighest ? kHighest : end;
  if (entry->type == kMultibootRam && start < end &&
      ram->part_count < kMaxParts)
    ram->parts[ram->part_count++] = (struct range){start, end};
}

static struct ram read_map(const struct multiboot_info* info, uint64_t base) {
  struct ram ram = {.part_count = 0};
  uint32_t at = info->map_address, end = at + info->map_length;
  while (at < end) {
    const struct multiboot_map_entry* entry = (const void*)at;
    add_entry(&ram, entry, base);
    at += entry->size + sizeof entry->size;
  }
  return ram;
}

// Takes pages off the front of `ram`; false where they do not suffice.
static bool take(struct ram* ram, uint32_t pages, struct area* area) {
  uint64_t left = (uint64_t)pages << kPageShift;
  *area = (struct area){.pages = pages};
  for (uint32_t i = 0; i < ram->part_count && left; ++i) {
    struct range* part = &ram->parts[i];
    uint64_t size = part->end - part->start;
    size = size < left ? size : left;
    if (size == 0)
      continue;
    area->parts[area->part_count++] =
        (struct range){part->start, part->start + size};
    part->start += size;
    left -= size;
  }
  return left == 0;
}

void lay_out_memory(const struct multiboot_info* info,
                    const struct config* config, struct area* cold,
                    struct area* hot) {
  static const char kTooLittle[] = "the machine has too little memory above "
                                   "base";
  struct ram ram = read_map(info, config->base);
  if (!take(&ram, config->cold_pages, cold))
    die((struct slice){"cold", 4}, kTooLittle);
  if (!take(&ram, config->hot_pages, hot))
    die((struct slice){"hot", 3}, kTooLittle);
}
