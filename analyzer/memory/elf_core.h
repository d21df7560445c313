// An ELF core file of an x86 guest, as QEMU's dump-guest-memory writes it (QEMU
// dump/dump.c, target/i386/arch_dump.c): physical memory in PT_LOAD segments,
// and for each processor a CORE and a QEMU note.
//
// One thing differs. QEMU leaves p_vaddr 0; here it equals p_paddr, so that a
// debugger that knows nothing of physical addresses finds all of them, but for
// a Linux kernel's image, by whose virtual addresses drgn finds the page table.
// Consumers that know of physical addresses go by p_paddr.
#pragma once

#include "analyzer/memory/machine_facts.h"

namespace migscope::analyzer {

struct CoreSegment {
  uint64_t address = 0; // guest-physical
  uint64_t bytes = 0;
  uint64_t file_offset = 0;
  uint64_t virtual_address = 0;
};

// Where the first segment begins in a core file; headers and notes stand
// before. Room for kMaxCpus processors.
inline constexpr uint64_t kCoreDataOffset = 4u << 20;

// The file's first bytes. crash wants the note segment first and `segments` in
// order, which they are given in. `vmcoreinfo` is a Linux kernel's text of that
// name, empty where there is none. Fails where the headers do not fit.
[[nodiscard]] Result<std::vector<std::byte>>
elf_core_header(std::span<const CoreSegment> segments,
                const std::map<uint32_t, X86Cpu>& cpus,
                std::string_view vmcoreinfo);

} // namespace migscope::analyzer
