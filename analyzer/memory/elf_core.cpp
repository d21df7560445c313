#include "analyzer/memory/elf_core.h"

#include "base/byte_order.h"

#include <elf.h>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

// Appends little-endian fields.
class Bytes {
public:
  template <typename T>
  Bytes& put(T value) {
    bytes_.resize(bytes_.size() + sizeof value);
    store_le(bytes_.data() + bytes_.size() - sizeof value, value);
    return *this;
  }
  Bytes& u16(uint64_t value) { return put(static_cast<uint16_t>(value)); }
  Bytes& u32(uint64_t value) { return put(static_cast<uint32_t>(value)); }
  Bytes& u64(uint64_t value) { return put(value); }
  Bytes& zeros(size_t count) {
    bytes_.insert(bytes_.end(), count, std::byte{0});
    return *this;
  }
  Bytes& bytes(std::span<const std::byte> value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Bytes& text(std::string_view value) {
    return bytes(std::as_bytes(std::span(value)));
  }
  Bytes& pad_to(size_t grain) {
    return zeros((grain - bytes_.size() % grain) % grain);
  }
  [[nodiscard]] const std::vector<std::byte>& get() const { return bytes_; }

private:
  std::vector<std::byte> bytes_;
};

void note(Bytes& out, std::string_view name, uint32_t type,
          const Bytes& content) {
  out.u32(name.size() + 1).u32(content.get().size()).u32(type);
  out.text(name).zeros(1).pad_to(4);
  out.bytes(content.get()).pad_to(4);
}

enum Register { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 };
enum Segment { es, cs, ss, ds, fs, gs };

// struct elf_prstatus of Linux on x86-64.
Bytes prstatus(const X86Cpu& cpu, uint32_t pid) {
  Bytes out;
  out.zeros(32).u32(pid).zeros(76);
  for (size_t i : {15, 14, 13, 12})
    out.u64(cpu.regs[i]);
  out.u64(cpu.regs[rbp]).u64(cpu.regs[rbx]);
  for (size_t i : {11, 10, 9, 8})
    out.u64(cpu.regs[i]);
  for (Register reg : {rax, rcx, rdx, rsi, rdi})
    out.u64(cpu.regs[reg]);
  out.u64(0); // orig_rax
  out.u64(cpu.rip).u64(cpu.segments[cs].selector).u64(cpu.rflags);
  out.u64(cpu.regs[rsp]).u64(cpu.segments[ss].selector);
  out.u64(cpu.segments[fs].base).u64(cpu.segments[gs].base);
  for (Segment segment : {ds, es, fs, gs})
    out.u64(cpu.segments[segment].selector);
  return out.zeros(8);
}

void put_segment(Bytes& out, const X86Segment& segment) {
  out.u32(segment.selector).u32(segment.limit).u32(segment.flags).u32(0);
  out.u64(segment.base);
}

// struct QEMUCPUState of QEMU target/i386/arch_dump.c.
Bytes qemu_state(const X86Cpu& cpu) {
  constexpr uint32_t kVersion = 1, kSize = 440;
  Bytes out;
  out.u32(kVersion).u32(kSize);
  for (Register reg : {rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp})
    out.u64(cpu.regs[reg]);
  for (size_t i = r8; i < cpu.regs.size(); ++i)
    out.u64(cpu.regs[i]);
  out.u64(cpu.rip).u64(cpu.rflags);
  for (Segment segment : {cs, ds, es, fs, gs, ss})
    put_segment(out, cpu.segments[segment]);
  for (const X86Segment* segment : {&cpu.ldt, &cpu.tr, &cpu.gdt, &cpu.idt})
    put_segment(out, *segment);
  for (uint64_t value : cpu.cr)
    out.u64(value);
  return out.u64(cpu.kernel_gs_base);
}

Bytes all_notes(const std::map<uint32_t, X86Cpu>& cpus,
                std::string_view vmcoreinfo) {
  Bytes out;
  for (const auto& [index, cpu] : cpus)
    note(out, "CORE", NT_PRSTATUS, prstatus(cpu, index + 1));
  for (const auto& [index, cpu] : cpus)
    note(out, "QEMU", 0, qemu_state(cpu));
  if (!vmcoreinfo.empty())
    note(out, "VMCOREINFO", 0, Bytes().text(vmcoreinfo));
  return out;
}

void file_header(Bytes& out, size_t segments) {
  out.text(std::string_view(ELFMAG, SELFMAG));
  out.put<uint8_t>(ELFCLASS64).put<uint8_t>(ELFDATA2LSB);
  out.put<uint8_t>(EV_CURRENT).zeros(EI_NIDENT - EI_OSABI);
  out.u16(ET_CORE).u16(EM_X86_64).u32(EV_CURRENT);
  out.u64(0).u64(sizeof(Elf64_Ehdr)).u64(0).u32(0); // entry, tables, flags
  out.u16(sizeof(Elf64_Ehdr)).u16(sizeof(Elf64_Phdr)).u16(segments + 1);
  out.zeros(6); // no sections
}

// p_align is 0: crash takes the file for what it is by that.
void segment_header(Bytes& out, uint32_t type, const CoreSegment& segment) {
  out.u32(type).u32(type == PT_LOAD ? PF_R | PF_W | PF_X : 0);
  out.u64(segment.file_offset).u64(segment.virtual_address);
  out.u64(segment.address);
  out.u64(segment.bytes).u64(segment.bytes).u64(0);
}

} // namespace

Result<std::vector<std::byte>>
elf_core_header(std::span<const CoreSegment> segments,
                const std::map<uint32_t, X86Cpu>& cpus,
                std::string_view vmcoreinfo) {
  Bytes notes = all_notes(cpus, vmcoreinfo);
  uint64_t notes_at =
      sizeof(Elf64_Ehdr) + (segments.size() + 1) * sizeof(Elf64_Phdr);
  if (notes_at + notes.get().size() > kCoreDataOffset)
    return fail(ErrorKind::unsupported,
                fmt::format("the notes of {} processors are too long for a "
                            "core file",
                            cpus.size()));
  Bytes out;
  file_header(out, segments.size());
  segment_header(out, PT_NOTE, {0, notes.get().size(), notes_at, 0});
  for (const CoreSegment& segment : segments)
    segment_header(out, PT_LOAD, segment);
  return out.bytes(notes.get()).get();
}

} // namespace migscope::analyzer
