#include "interrupts.h"

#include "console.h"
#include "cpu.h"

enum {
  kMasterCommand = 0x20,
  kMasterData = 0x21,
  kSlaveCommand = 0xa0,
  kSlaveData = 0xa1,
  kFirstVector = 0x20, // of the interrupt controllers; below are exceptions
  kSlaveVector = 0x28,
  kCodeSegment = 0x08,
  kInterruptGate = 0x8e00,
  kApicSpurious = 0xf0,
  kApicEnabled = 0x100,
  kApicLint0 = 0x350,
  kApicExternal = 0x700,
};

extern const char tick_entry[], ignore_entry[], fault_entry[];

static uint64_t gates[256];

static uint64_t gate(const char* handler) {
  uint32_t address = (uint32_t)handler;
  return ((uint64_t)((address & 0xffff0000) | kInterruptGate) << 32) |
         (uint32_t)(kCodeSegment << 16) | (address & 0xffff);
}

static void load_gates(void) {
  for (uint32_t i = 0; i < 256; ++i)
    gates[i] = gate(i < kFirstVector ? fault_entry : ignore_entry);
  gates[kFirstVector] = gate(tick_entry);
  struct __attribute__((packed)) {
    uint16_t limit;
    uint32_t base;
  } pointer = {sizeof gates - 1, (uint32_t)gates};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

// 8259A initialisation words 1 to 4, then the masks: timer only.
static void program_controllers(void) {
  outb(kMasterCommand, 0x11);
  outb(kSlaveCommand, 0x11);
  outb(kMasterData, kFirstVector);
  outb(kSlaveData, kSlaveVector);
  outb(kMasterData, 0x04);
  outb(kSlaveData, 0x02);
  outb(kMasterData, 0x01);
  outb(kSlaveData, 0x01);
  outb(kMasterData, 0xfe);
  outb(kSlaveData, 0xff);
}

// The firmware of pc and q35 leaves the local APIC passing the controllers'
// interrupts on ("virtual wire"); that of microvm leaves it off.
static void pass_through_apic(void) {
  volatile uint32_t* apic = (volatile uint32_t*)0xfee00000;
  apic[kApicSpurious / 4] = kApicEnabled | 0xff;
  apic[kApicLint0 / 4] = kApicExternal;
}

void interrupts_init(void) {
  load_gates();
  program_controllers();
  pass_through_apic();
}

_Noreturn void halt_forever(void) {
  for (;;)
    __asm__ volatile("cli; hlt");
}

void idle_until_tick(void) {
  // The processor takes no interrupt between sti and the instruction after it.
  __asm__ volatile("sti; hlt; cli" : : : "memory");
}

// Called by the stub of all exceptions. Whether the first word is an error
// code or eip depends on the exception, so three are shown.
_Noreturn void fault(const uint32_t* frame);

_Noreturn void fault(const uint32_t* frame) {
  uint32_t address;
  __asm__ volatile("movl %%cr2, %0" : "=r"(address));
  struct line line = {.length = 0};
  put_text(&line, "ERROR processor exception: cr2=");
  put_hex(&line, address);
  put_text(&line, " frame=");
  for (uint32_t i = 0; i < 3; ++i) {
    put_text(&line, i ? "," : "");
    put_hex(&line, frame[i]);
  }
  send_all(&line);
  halt_forever();
}
