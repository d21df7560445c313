#include "paging.h"

enum {
  kSlotShift = 21,
  kEntries = 512,
  kIdentitySlots = kEntries,
  kWindowSlots = 3 * kEntries,
  kPresent = 0x01,
  // Present, writable, accessed, dirty, 2 MiB. With accessed and dirty set
  // beforehand the processor never writes to the tables, so that they do not
  // show up as dirty pages of the guest.
  kLargePage = 0xe3,
};

static uint64_t directories[4 * kEntries] __attribute__((aligned(4096)));
static uint64_t pointers[4] __attribute__((aligned(32)));

void paging_init(void) {
  for (uint32_t i = 0; i < kIdentitySlots; ++i)
    directories[i] = ((uint64_t)i << kSlotShift) | kLargePage;
  for (uint32_t i = 0; i < 4; ++i)
    pointers[i] = (uint32_t)&directories[i * kEntries] | kPresent;
  uint32_t scratch;
  __asm__ volatile("movl %%cr4, %0\n\t"
                   "orl $0x20, %0\n\t" // PAE
                   "movl %0, %%cr4\n\t"
                   "movl %1, %%cr3\n\t"
                   "movl %%cr0, %0\n\t"
                   "orl $0x80000000, %0\n\t" // paging
                   "movl %0, %%cr0"
                   : "=&r"(scratch)
                   : "r"(pointers)
                   : "memory");
}

static void replace(volatile uint64_t* entry, uint64_t value) {
  // Two halves, so it is taken out of use before the upper one changes.
  volatile uint32_t* half = (volatile uint32_t*)entry;
  half[0] = 0;
  half[1] = (uint32_t)(value >> 32);
  half[0] = (uint32_t)value;
}

uint32_t* map_page(uint64_t address) {
  uint32_t frame = (uint32_t)(address >> kSlotShift);
  uint32_t slot = kIdentitySlots + frame % kWindowSlots;
  uint32_t where = slot << kSlotShift;
  uint64_t value = ((uint64_t)frame << kSlotShift) | kLargePage;
  if (directories[slot] != value)
    replace(&directories[slot], value);
  // Each time: QEMU's TCG can miss a write that goes through a TLB entry older
  // than its last dirty-bitmap sync, so that the page is not migrated again
  // (7.2; 11.1 with the capability postcopy-ram).
  __asm__ volatile("invlpg (%0)" : : "r"(where) : "memory");
  return (uint32_t*)(where | ((uint32_t)address & ((1u << kSlotShift) - 1)));
}
