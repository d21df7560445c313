#include "tests/captures/stream/sample_streams.h"

#include <array>

namespace migscope::test {
namespace {

using captures::wire::Command;
using Bytes = StreamBuilder::Bytes;

Bytes be32_bytes(uint32_t value) {
  return StreamBuilder().be32(value).done();
}

constexpr std::string_view kDescription =
    R"({"page_size": 1024, "devices": [{"name": "timer", "instance_id": 0,)"
    R"( "vmsd_name": "timer", "version": 2, "fields": [{"name": "ticks",)"
    R"( "type": "int64", "size": 8}, {"name": "pad", "array_len": 3, "type":)"
    R"( "uint32", "size": 4}]}]})";

// The two shapes of XBZRLE: literal bytes from the start, and after a gap.
const Bytes kDelta = StreamBuilder().u8(0).u8(2).text("ab").done();

Bytes precopy() {
  return small_machine()
      .command(Command::open_return_path)
      .command(Command::ping, be32_bytes(1))
      .full(7, "virtio-mem/early")
      .fill(5, 0x7e)
      .footer()
      .part(2)
      .page("pc.ram", 0, 0xaa)
      .zero(0x400)
      .page(0x800, 0x7e)
      .flush()
      .zero("vga.vram", 0xc00)
      .eos()
      .footer()
      .part(2)
      .page(0x400, 1)
      .xbzrle(0x800, kDelta)
      .compressed(0x800, kDelta)
      .eos()
      .footer()
      .command(Command::switchover_start)
      .end(2)
      .zero("pc.ram", 0)
      .eos()
      .footer()
      .device(0, "timer", 20)
      .full(9, "0000:00:02.0/virtio-net")
      .be32(9)
      .fill(3, 0x7e)
      .be32(9)
      .footer()
      .eof()
      .description(kDescription)
      .done();
}

Bytes no_footers() {
  return StreamBuilder()
      .header()
      .start(0, "ram")
      .mem_size(0x1000)
      .block("pc.ram", 0x1000)
      .eos()
      .end(0)
      .zero("pc.ram", 0)
      .eos()
      .full(3, "timer")
      .fill(20, 0x11)
      .eof()
      .description(kDescription)
      .done();
}

Bytes postcopy() {
  StreamBuilder inner;
  inner.command(Command::postcopy_listen)
      .device(0, "timer", 20)
      .full(5, "apic", 3, 1)
      .u8(0x7e)
      .be32(5)
      .footer()
      .command(Command::ping, be32_bytes(3))
      .command(Command::postcopy_run);
  auto advice = StreamBuilder().be64(0x200400).be64(kSmallPage).done();
  auto discard = StreamBuilder()
                     .u8(0)
                     .counted("pc.ram")
                     .u8(0)
                     .be64(0x400)
                     .be64(0x800)
                     .done();
  return StreamBuilder(kSmallPage)
      .header()
      .configuration("pc-q35-10.0")
      .config_page_bits(10)
      .command(Command::postcopy_advise, advice)
      .start(2, "ram")
      .mem_size(0x201000)
      .block("pc.ram", 0x200000)
      .be64(0x200000) // page size
      .block("pc.bios", 0x1000)
      .eos()
      .footer()
      .part(2)
      .page("pc.ram", 0x400, 3)
      .eos()
      .footer()
      .command(Command::postcopy_discard, discard)
      .command(Command::ping, be32_bytes(2))
      .package(inner)
      .part(2)
      .page(0x800, 4)
      .eos()
      .footer()
      .end(2)
      .eos()
      .footer()
      .eof()
      .done();
}

SampleStream recovered() {
  captures::ConnectionState before;
  before.blocks = {{"pc.ram", 0x4000, {}, {}}};
  captures::SectionHeader ram;
  ram.kind = captures::SectionKind::start;
  ram.id = 2;
  ram.idstr = "ram";
  ram.version_id = 4;
  before.sections = {ram};
  before.page_size = kSmallPage;
  before.footers = true;
  auto bytes = StreamBuilder(kSmallPage)
                   .command(Command::recv_bitmap,
                            StreamBuilder().counted("pc.ram").done())
                   .command(Command::postcopy_resume)
                   .part(2)
                   .page("pc.ram", 0x400, 9)
                   .eos()
                   .footer()
                   .end(2)
                   .eos()
                   .footer()
                   .eof()
                   .done();
  return {"recovered", bytes, {.resumed = before}};
}

// Every section other than ram that has PARTs.
Bytes iterables() {
  constexpr uint64_t kTag = 0xffffffffef100000;
  return small_machine()
      .start(3, "dirty-bitmap", 1)
      .u8(0x1c)
      .counted("disk")
      .counted("backup")
      .be32(65536)
      .u8(1)
      .u8(0x40)
      .be64(0)
      .be32(64)
      .be64(32)
      .fill(32, 0x7e)
      .u8(0x42)
      .be64(64)
      .be32(64)
      .u8(0x01)
      .footer()
      .end(3)
      .u8(0x21)
      .footer()
      .start(4, "spapr/htab", 1)
      .be32(24)
      .footer()
      .part(4)
      .be32(0)
      .be32(5)
      .be16(2)
      .be16(1)
      .fill(32, 0x7e)
      .be64(0)
      .footer()
      .end(4)
      .be32(0xffffffff)
      .footer()
      .start(5, "s390-storage_attributes", 0)
      .be64(0x01)
      .footer()
      .part(5)
      .be64(0x1002)
      .be64(3)
      .fill(3, 0x7e)
      .be64(0x08)
      .be64(0x01)
      .footer()
      .start(6, "0000:00:05.0/vfio", 1)
      .be64(kTag | 3)
      .be64(kTag | 1)
      .footer()
      .part(6)
      .be64(kTag | 4)
      .be64(5)
      .fill(5, 0x7e)
      .be64(kTag | 1)
      .footer()
      .end(6)
      .be64(kTag | 2)
      .footer(6) // inside the configuration state, no END before it
      .u8(0x08)
      .be64(kTag | 1)
      .footer()
      .full(6, "0000:00:05.0/vfio")
      .fill(9, 0x22)
      .footer()
      .start(8, "new-thing", 1)
      .fill(7, 0x33)
      .footer()
      .part(8)
      .footer(8) // not the end: no item begins with 0x44
      .u8(0x44)
      .footer()
      .end(2)
      .eos()
      .footer()
      .eof()
      .done();
}

} // namespace

StreamBuilder small_machine() {
  constexpr std::array<std::byte, 16> kUuid = {std::byte{0x12}};
  return StreamBuilder(kSmallPage)
      .header()
      .configuration("pc-i440fx-7.2")
      .config_page_bits(10)
      .config_uuid(kUuid)
      .start(2, "ram")
      .mem_size(0x5000)
      .block("pc.ram", 0x4000)
      .block("vga.vram", 0x1000)
      .eos()
      .footer();
}

std::vector<SampleStream> sample_streams() {
  captures::Description described;
  described.page_size = 4096;
  described.devices = {{"timer", 0, 20}};
  return {{"precopy", precopy()},
          {"no footers", no_footers(), {.description = described}},
          {"postcopy", postcopy()},
          recovered(),
          {"iterables", iterables()}};
}

} // namespace migscope::test
