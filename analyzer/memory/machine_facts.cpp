#include "analyzer/memory/machine_facts.h"

#include "base/byte_order.h"

namespace migscope::analyzer {
namespace {

// The most x86 processors that a QEMU takes (hw/i386/pc_q35.c of 9.2 on).
constexpr size_t kMaxCpus = 4096;

uint64_t cmos(std::span<const std::byte> body, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;)
    value = value << 8 | std::to_integer<uint64_t>(body[at + i]);
  return value;
}

// Registers 0x34 and 0x5b, in 64 KiB, little-endian.
std::optional<CmosMemory> parse_cmos(std::span<const std::byte> body) {
  constexpr size_t kCmosBytes = 128;
  if (body.size() < kCmosBytes)
    return {};
  return CmosMemory{cmos(body, 0x34, 2) << 16, cmos(body, 0x5b, 3) << 16};
}

// Reads on; the caller has checked that the bytes are there.
class Reader {
public:
  Reader(std::span<const std::byte> bytes, size_t at)
      : at_(bytes.data() + at) {}

  template <typename T>
  T be() {
    T value = load_be<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  X86Segment segment() {
    X86Segment out;
    out.selector = be<uint32_t>();
    out.base = be<uint64_t>();
    out.limit = be<uint32_t>();
    out.flags = be<uint32_t>();
    return out;
  }

private:
  const std::byte* at_;
};

// Offsets in the state of a 64-bit processor.
constexpr size_t kSegments = 236;
constexpr size_t kControl = 456; // cr0 cr2 cr3 cr4
constexpr size_t kKernelGsBase = 856;
constexpr size_t kCpuBytes = 864;

// A 32-bit QEMU's state has other offsets; that it is one is seen by values
// that no 64-bit one has there.
bool plausible(const X86Cpu& cpu) {
  constexpr uint64_t kAlwaysSet = 1u << 1, kUpperHalf = ~0ull << 32;
  if (!(cpu.rflags & kAlwaysSet) || (cpu.rflags & kUpperHalf) ||
      (cpu.cr[0] & kUpperHalf) || (cpu.cr[4] & kUpperHalf))
    return false;
  for (const X86Segment& segment : cpu.segments)
    if (segment.selector > 0xffff)
      return false;
  return true;
}

std::optional<X86Cpu> parse_cpu(std::span<const std::byte> body) {
  if (body.size() < kCpuBytes)
    return {};
  X86Cpu cpu;
  Reader registers(body, 0);
  for (uint64_t& value : cpu.regs)
    value = registers.be<uint64_t>();
  cpu.rip = registers.be<uint64_t>();
  cpu.rflags = registers.be<uint64_t>();
  Reader segments(body, kSegments);
  for (X86Segment& segment : cpu.segments)
    segment = segments.segment();
  for (X86Segment* segment : {&cpu.ldt, &cpu.tr, &cpu.gdt, &cpu.idt})
    *segment = segments.segment();
  Reader control(body, kControl);
  for (size_t i : {0, 2, 3, 4})
    cpu.cr[i] = control.be<uint64_t>();
  cpu.kernel_gs_base = Reader(body, kKernelGsBase).be<uint64_t>();
  return plausible(cpu) ? std::optional(cpu) : std::nullopt;
}

bool is_cpu(const captures::SectionHeader& header) {
  return header.idstr == "cpu" && header.version_id == 12;
}

} // namespace

void note_device(MachineFacts& facts, const captures::SectionHeader& header,
                 std::span<const std::byte> body) {
  if (header.idstr == "mc146818rtc")
    facts.cmos = parse_cmos(body);
  if (!is_cpu(header) || facts.cpus.size() >= kMaxCpus)
    return;
  if (auto cpu = parse_cpu(body))
    facts.cpus[header.instance_id] = *cpu;
}

} // namespace migscope::analyzer
