#include "analyzer/what_if/ram_layout.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::RamBlock;

// Sizes and addresses as `info ramblock` gives them.
TEST_CASE("blocks lie as a pc machine of QEMU lays them out") {
  std::vector<RamBlock> blocks{
      {.name = "pc.ram", .used_length = 0x180000000},
      {.name = "vga.vram", .used_length = 0x800000},
      {.name = "/rom@etc/acpi/tables", .used_length = 0x20000},
      {.name = "pc.bios", .used_length = 0x40000},
      {.name = "pc.rom", .used_length = 0x20000},
      {.name = "0000:00:02.0/virtio-vga.rom", .used_length = 0x10000},
  };
  CHECK(ram_addresses(blocks, 4096) ==
        std::vector<uint64_t>{0, 0x180080000, 0x1808c0000, 0x180000000,
                              0x180040000, 0x180880000});
}

TEST_CASE("a block begins at a multiple of 64 pages of the target") {
  std::vector<RamBlock> blocks{{.name = "ram", .used_length = 8192},
                               {.name = "more", .used_length = 8192}};
  CHECK(ram_addresses(blocks, 8192) == std::vector<uint64_t>{0, 64 * 8192});
}
