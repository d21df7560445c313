#include "analyzer/memory/memory_report.h"

#include "analyzer/memory/elf_core.h"
#include "analyzer/memory/vmcoreinfo.h"
#include "captures/stream/wire.h"
#include "tests/analyzer/memory/ram_stream.h"
#include "tests/support/temp_dir.h"

#include <elf.h>
#include <sys/stat.h>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::testing;
using test::StreamBuilder;

namespace {

constexpr uint64_t kBelow = 3ull << 30, kRam = 4ull << 30;
constexpr char kVmcoreinfo[] = "OSRELEASE=6.1\nPAGESIZE=4096\n"
                               "SYMBOL(_stext)=ffffffff81000008\n"
                               "NUMBER(phys_base)=-1048576\n";

// 4 GiB of RAM with something on both sides of its split, and a block with a
// name that is none for a file.
Bytes two_blocks() {
  StreamBuilder out;
  out.header().configuration("pc-i440fx-10.0");
  out.start(0, "ram").mem_size(kRam + kPage).block("pc.ram", kRam);
  out.block("../rom", kPage).eos().footer();
  Bytes text(kPage);
  std::ranges::copy(bytes_of(kVmcoreinfo), text.begin());
  out.part(0).page("pc.ram", 0, 1).page(kBelow - kPage, 2).page(kBelow, 3);
  out.word(kPage, captures::wire::kRamPage | captures::wire::kRamContinue)
      .bytes(text);
  out.page("../rom", 0, 4).eos().footer();
  return out.end(0).eos().footer().eof().done();
}

struct Case {
  Case() {
    write_file(directory / "stream", two_blocks());
    recording = *captures::open_recording(directory / "stream");
  }

  Result<MemoryReport> rebuild(MemoryOutput& output) const {
    return rebuild_memory(recording, output);
  }

  // One byte of a file of gigabytes.
  [[nodiscard]] int byte_at(const char* file, uint64_t offset) const {
    std::ifstream in(directory / file, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(offset));
    return in.get();
  }
  [[nodiscard]] struct stat info(const char* file) const {
    struct stat out {};
    REQUIRE(stat((directory / file).c_str(), &out) == 0);
    return out;
  }

  TempDir directory;
  captures::Recording recording;
};

} // namespace

TEST_CASE("a report without a file") {
  Case c;
  auto output = scratch_output(c.directory.path());
  REQUIRE(output);
  auto report = c.rebuild(**output);
  REQUIRE(report);
  CHECK(report->machine == "pc-i440fx-10.0");
  CHECK(report->input.complete);
  CHECK_FALSE(report->complete()); // hardly anything was sent
  REQUIRE(report->blocks.size() == 2);
  CHECK(report->blocks[0].held.data == 4);
  CHECK_FALSE(report->blocks[0].digest);
  CHECK(report->blocks[1].digest);
  CHECK(std::distance(std::filesystem::directory_iterator(c.directory.path()),
                      {}) == 1);
}

TEST_CASE("one block, raw") {
  Case c;
  auto output = raw_output(c.directory / "ram", "pc.ram");
  REQUIRE(output);
  auto report = c.rebuild(**output);
  REQUIRE(report);
  CHECK(report->blocks.size() == 1);
  CHECK(c.byte_at("ram", 17) == 1);
  CHECK(c.byte_at("ram", kBelow) == 3);
  CHECK(c.info("ram").st_size == kRam);
  CHECK(c.info("ram").st_blocks * 512 < 1 << 20);
  CHECK((c.info("ram").st_mode & 0777) == 0600);
  CHECK_FALSE(raw_output(c.directory / "ram", "pc.ram").has_value());
}

TEST_CASE("a block that is not there") {
  Case c;
  auto output = raw_output(c.directory / "ram", "pc.rom");
  REQUIRE(output);
  auto report = c.rebuild(**output);
  REQUIRE_FALSE(report);
  CHECK(report.error().kind == ErrorKind::usage);
  CHECK(report.error().message.find("the stream has pc.ram, ../rom") !=
        std::string::npos);
  (*output)->remove();
  CHECK_FALSE(std::filesystem::exists(c.directory / "ram"));
}

TEST_CASE("every block in a directory") {
  Case c;
  auto output = blocks_output(c.directory / "blocks");
  REQUIRE(output);
  REQUIRE(c.rebuild(**output).has_value());
  CHECK(c.byte_at("blocks/block-01.raw", 0) == 4);
  Bytes index = read_file(c.directory / "blocks/index.json");
  std::string_view text(reinterpret_cast<const char*>(index.data()),
                        index.size());
  CHECK(text.find("../rom") != text.npos);
}

TEST_CASE("by guest-physical address") {
  Case c;
  auto output = physical_output(c.directory / "physical");
  REQUIRE(output);
  REQUIRE(c.rebuild(**output).has_value());
  CHECK(c.byte_at("physical", kBelow - 1) == 2);
  CHECK(c.byte_at("physical", kBelow) == 0);
  CHECK(c.byte_at("physical", 4ull << 30) == 3);
  CHECK(c.info("physical").st_size == 5ll << 30);
  CHECK(c.info("physical").st_blocks * 512 < 1 << 20);
}

TEST_CASE("a core file with the kernel's vmcoreinfo") {
  Case c;
  auto output = elf_output(c.directory / "core", true);
  REQUIRE(output);
  auto report = c.rebuild(**output);
  REQUIRE(report);
  CHECK(report->notes.size() == 1); // no registers
  CHECK(c.byte_at("core", 0) == 0x7f);
  CHECK(c.byte_at("core", kCoreDataOffset + kBelow) == 3);
  std::ifstream in(c.directory / "core", std::ios::binary);
  Elf64_Ehdr file{};
  in.read(reinterpret_cast<char*>(&file), sizeof file);
  REQUIRE(file.e_phnum == 4); // notes, RAM in two parts, the kernel
  Elf64_Phdr kernel{};
  in.seekg(sizeof file + 3 * sizeof kernel);
  in.read(reinterpret_cast<char*>(&kernel), sizeof kernel);
  CHECK(kernel.p_vaddr == 0xffffffff81000000);
  CHECK(kernel.p_paddr == 0xf00000);
  CHECK(kernel.p_offset == kCoreDataOffset + 0xf00000);
  CHECK(kernel.p_filesz == 128 << 20);
  in.seekg(0);
  std::string head(8192, '\0');
  in.read(head.data(), 8192);
  CHECK(head.find(kVmcoreinfo) != head.npos);
}

TEST_CASE("where a kernel's image lies") {
  auto image = kernel_image(kVmcoreinfo);
  REQUIRE(image);
  CHECK(image->virtual_address == 0xffffffff81000000);
  CHECK(image->address == 0xf00000);
  CHECK_FALSE(kernel_image("OSRELEASE=1\nSYMBOL(_stext)=ffffffff81000000\n"));
  CHECK_FALSE(kernel_image("\nSYMBOL(_stext)=1000\nNUMBER(phys_base)=0\n"));
}

TEST_CASE("a core file needs to know where RAM lies") {
  Case c;
  StreamBuilder stream;
  stream.header().configuration("virt-10.0").start(0, "ram").mem_size(kPage);
  stream.block("mach-virt.ram", kPage).eos().footer();
  write_file(c.directory / "stream", stream.end(0).eos().footer().eof().done());
  auto output = elf_output(c.directory / "core", true);
  REQUIRE(output);
  auto report = c.rebuild(**output);
  REQUIRE_FALSE(report);
  CHECK(report.error().kind == ErrorKind::unsupported);
  CHECK(report.error().message.find("virt-10.0") != std::string::npos);
}
