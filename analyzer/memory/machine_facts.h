// What device states tell of the guest's memory layout and processors: the
// real-time clock's CMOS and the registers of x86 processors.
//
// Both stand at the front of their sections, at places that are the same from
// QEMU 7.2 to 11.1 (hw/rtc/mc146818rtc.c, vmstate_rtc; target/i386/machine.c,
// vmstate_x86_cpu), so that a stream without a description tells them, too.
#pragma once

#include "base/error.h"
#include "captures/stream/events.h"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace migscope::analyzer {

// Sizes of RAM as the firmware finds them (QEMU hw/i386/pc.c, pc_cmos_init).
struct CmosMemory {
  uint64_t above_16m = 0; // bytes from 16 MiB up to the hole below 4 GiB
  uint64_t above_4g = 0;  // bytes, modulo 1 TiB
};

struct X86Segment {
  uint32_t selector = 0, limit = 0, flags = 0;
  uint64_t base = 0;
};

struct X86Cpu {
  // In the order of their numbers: rax rcx rdx rbx rsp rbp rsi rdi r8...r15.
  std::array<uint64_t, 16> regs{};
  uint64_t rip = 0, rflags = 0;
  std::array<X86Segment, 6> segments{}; // es cs ss ds fs gs
  X86Segment ldt, tr, gdt, idt;
  std::array<uint64_t, 5> cr{}; // cr1 is 0
  uint64_t kernel_gs_base = 0;
};

struct MachineFacts {
  std::string machine; // type name; empty where the stream has none
  std::optional<CmosMemory> cmos;
  std::map<uint32_t, X86Cpu> cpus; // by instance id
};

// Takes what `body`, a device's state, tells; other devices, and states that
// cannot be what they claim to be, tell nothing.
void note_device(MachineFacts& facts, const captures::SectionHeader& header,
                 std::span<const std::byte> body);

} // namespace migscope::analyzer
