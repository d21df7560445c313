#include "analyzer/memory/elf_core.h"

#include "base/byte_order.h"
#include "tests/support/stream_builder.h"

#include <cstring>
#include <doctest/doctest.h>
#include <elf.h>

using namespace migscope;
using namespace migscope::analyzer;
using test::StreamBuilder;

namespace {

template <typename T>
T at(const std::vector<std::byte>& bytes, size_t offset) {
  REQUIRE(offset + sizeof(T) <= bytes.size());
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return out;
}

// The state of a processor as the stream has it, with values that tell where
// they came from.
StreamBuilder cpu_state() {
  StreamBuilder out;
  for (int i = 0; i < 16; ++i)
    out.be64(0x1000 + i);
  out.be64(0x2000).be64(0x202).fill(236 - 144, 0);
  for (int i = 0; i < 10; ++i) // es cs ss ds fs gs ldt tr gdt idt
    out.be32(0x10 + i).be64(0x3000 + i).be32(0x4000 + i).be32(0x5000 + i);
  out.fill(456 - 436, 0);
  out.be64(0x80000011).be64(0x6002).be64(0x6003).be64(0x20);
  out.fill(856 - 488, 0).be64(0x7000).fill(100, 0);
  return out;
}

MachineFacts facts_of(const StreamBuilder& state, std::string name = "cpu",
                      uint32_t version = 12) {
  captures::SectionHeader header;
  header.idstr = std::move(name);
  header.version_id = version;
  MachineFacts out;
  note_device(out, header, state.done());
  return out;
}

} // namespace

TEST_CASE("registers of a processor's state") {
  MachineFacts facts = facts_of(cpu_state());
  REQUIRE(facts.cpus.size() == 1);
  const X86Cpu& cpu = facts.cpus[0];
  CHECK(cpu.regs[15] == 0x100f);
  CHECK(cpu.rip == 0x2000);
  CHECK(cpu.segments[1].base == 0x3001);
  CHECK(cpu.idt.limit == 0x4009);
  CHECK(cpu.cr == std::array<uint64_t, 5>{0x80000011, 0, 0x6002, 0x6003, 0x20});
  CHECK(cpu.kernel_gs_base == 0x7000);
}

TEST_CASE("a state that is none tells nothing") {
  CHECK(facts_of(cpu_state().cut(863)).cpus.empty());
  CHECK(facts_of(cpu_state().corrupt(143, 0)).cpus.empty()); // rflags
  CHECK(facts_of(cpu_state().corrupt(236, 1)).cpus.empty()); // a selector
  CHECK(facts_of(cpu_state(), "cpu", 13).cpus.empty());
  CHECK_FALSE(facts_of(StreamBuilder().fill(127, 1), "mc146818rtc").cmos);
}

TEST_CASE("sizes of RAM in the CMOS") {
  StreamBuilder state;
  state.fill(128, 0).corrupt(0x34, 0x01).corrupt(0x35, 0x02);
  state.corrupt(0x5b, 3).corrupt(0x5c, 4).corrupt(0x5d, 5);
  auto cmos = facts_of(state, "mc146818rtc").cmos;
  REQUIRE(cmos);
  CHECK(cmos->above_16m == 0x0201ull << 16);
  CHECK(cmos->above_4g == 0x050403ull << 16);
}

TEST_CASE("a core file's headers") {
  std::map<uint32_t, X86Cpu> cpus = facts_of(cpu_state()).cpus;
  std::vector<CoreSegment> segments{
      {0, 4096, kCoreDataOffset, 0},
      {1ull << 32, 8192, kCoreDataOffset + 4096, 77}};
  auto made = elf_core_header(segments, cpus, "OSRELEASE=1\n");
  REQUIRE(made);
  auto file = at<Elf64_Ehdr>(*made, 0);
  CHECK(std::memcmp(file.e_ident, ELFMAG, SELFMAG) == 0);
  CHECK(file.e_type == ET_CORE);
  CHECK(file.e_machine == EM_X86_64);
  CHECK(file.e_phnum == 3);
  auto notes = at<Elf64_Phdr>(*made, file.e_phoff);
  CHECK(notes.p_type == PT_NOTE);
  CHECK(notes.p_offset + notes.p_filesz == made->size());
  auto high = at<Elf64_Phdr>(*made, file.e_phoff + 2 * sizeof(Elf64_Phdr));
  CHECK(high.p_type == PT_LOAD);
  CHECK(high.p_paddr == 1ull << 32);
  CHECK(high.p_vaddr == 77);
  CHECK(high.p_offset == kCoreDataOffset + 4096);
  CHECK(high.p_filesz == 8192);

  size_t note = notes.p_offset;
  auto head = at<Elf64_Nhdr>(*made, note);
  CHECK(head.n_type == NT_PRSTATUS);
  CHECK(head.n_descsz == 336);
  size_t content = note + sizeof head + 8;
  CHECK(at<uint64_t>(*made, content + 112) == 0x100f);          // r15
  CHECK(at<uint64_t>(*made, content + 112 + 16 * 8) == 0x2000); // rip
  note = content + 336;
  head = at<Elf64_Nhdr>(*made, note);
  CHECK(std::memcmp(made->data() + note + sizeof head, "QEMU", 5) == 0);
  CHECK(head.n_descsz == 440);
  content = note + sizeof head + 8;
  CHECK(at<uint32_t>(*made, content + 4) == 440);
  CHECK(at<uint64_t>(*made, content + 392 + 3 * 8) == 0x6003); // cr3
  note = content + 440;
  head = at<Elf64_Nhdr>(*made, note);
  CHECK(head.n_descsz == 12);
  CHECK(std::memcmp(made->data() + note + sizeof head, "VMCOREINFO", 11) == 0);
}
