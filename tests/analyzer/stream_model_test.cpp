#include "analyzer/stream_model.h"

#include "captures/stream/limits.h"
#include "captures/stream/wire.h"

#include <array>
#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::PageItem;
using captures::PageKind;
using captures::RamBlock;
using captures::SectionHeader;
using captures::SectionKind;

namespace {

constexpr uint32_t kPage = 4096;

RamBlock block(const char* name, uint64_t bytes) {
  RamBlock out;
  out.name = name;
  out.used_length = bytes;
  return out;
}

PageItem page(uint64_t number, PageKind kind = PageKind::zero,
              uint32_t wire_bytes = 9, uint32_t block = 0) {
  static const std::array<std::byte, kPage> content{std::byte(1)};
  PageItem out;
  out.address = number * kPage;
  out.kind = kind;
  out.wire_bytes = wire_bytes;
  out.block = block;
  if (kind == PageKind::normal)
    out.content = content;
  return out;
}

// Feeds a model as the decoder does; every section is 100 bytes long.
class Stream {
public:
  explicit Stream(std::vector<RamBlock> blocks = {block("pc.ram", 64u << 20)}) {
    model.on_section_begin(header(SectionKind::start, "ram"));
    model.on_ram_blocks(blocks, kPage);
    end_section();
  }
  Stream& ram(SectionKind kind, std::vector<PageItem> pages) {
    model.on_section_begin(header(kind, "ram"));
    model.on_pages(pages);
    return end_section();
  }
  Stream& device(const char* name) {
    model.on_section_begin(header(SectionKind::full, name));
    return end_section();
  }
  Stream& other(SectionKind kind, const char* name) {
    model.on_section_begin(header(kind, name));
    return end_section();
  }
  Stream& switchover() {
    captures::CommandItem command;
    command.offset = at_;
    command.command =
        static_cast<uint16_t>(captures::wire::Command::switchover_start);
    model.on_command(command);
    return *this;
  }

  StreamModel& done() {
    model.finish();
    return model;
  }

  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};

private:
  SectionHeader header(SectionKind kind, const char* name) {
    now_ = {kind, 2, name, 0, 4, at_};
    at_ += 100;
    return now_;
  }
  Stream& end_section() {
    model.on_section_end(now_, {at_, 80, captures::BodyExtent::parsed});
    return *this;
  }

  SectionHeader now_;
  uint64_t at_ = 1000;
};

} // namespace

TEST_CASE("sections hold what was sent in them") {
  Stream stream;
  stream.ram(SectionKind::part, {page(0), page(1, PageKind::normal, 4104),
                                 page(2, PageKind::xbzrle, 40),
                                 page(3, PageKind::compressed, 50)});
  stream.ram(SectionKind::part, {});
  stream.ram(SectionKind::end, {page(1, PageKind::normal, 4104), page(0)});
  const auto& sections = stream.done().sections();
  REQUIRE(sections.size() == 3); // START is none of them
  CHECK(sections[0].offset == 1100);
  CHECK(sections[0].end == 1200);
  CHECK(sections[0].pages == 4);
  CHECK(sections[0].zero == 1);
  CHECK(sections[0].normal == 1);
  CHECK(sections[0].xbzrle == 1);
  CHECK(sections[0].compressed == 1);
  CHECK(sections[0].bytes == 9 + 4104 + 40 + 50);
  CHECK(sections[0].repeats == 0);
  CHECK(sections[1].pages == 0);
  CHECK(sections[2].resent == 2);
  CHECK(sections[2].same_content == 2);
  CHECK(sections[2].repeats == 1); // 1 + index

  Ram ram = stream.done().ram();
  CHECK(ram.totals.zero == 2);
  CHECK(ram.totals.normal == 2);
  CHECK(ram.totals.unique_pages == 4);
  CHECK(ram.totals.resent_pages == 2);
  CHECK(ram.totals.same_content_resends == 2);
  CHECK(ram.totals.max_sends == 2);
  REQUIRE(ram.blocks.size() == 1);
  CHECK(ram.blocks[0].pages == 16384);
  CHECK(ram.blocks[0].sent_pages == 6);
  CHECK(ram.blocks[0].stop_copy_pages == 2);
  CHECK(ram.blocks[0].stop_copy_bytes == 4113);
}

TEST_CASE("the newest repetition of a section is kept") {
  Stream stream;
  stream.ram(SectionKind::part, {page(0)})
      .ram(SectionKind::part, {page(1)})
      .ram(SectionKind::part, {page(1), page(0)});
  CHECK(stream.done().sections()[2].repeats == 2);
}

TEST_CASE("the pause begins with SWITCHOVER_START") {
  Stream stream;
  stream.ram(SectionKind::part, {page(0)})
      .device("early")
      .switchover()
      .ram(SectionKind::end, {page(1)})
      .device("cpu");
  CHECK(stream.model.marks().switchover == 1300);
  CHECK(stream.model.marks().ram_end_begin == 1300);
  CHECK(stream.model.marks().ram_end_end == 1400);
  const auto& devices = stream.model.devices();
  REQUIRE(devices.size() == 2);
  CHECK_FALSE(devices[0].in_pause);
  CHECK(devices[1].in_pause);
  CHECK(devices[1].name == "cpu");
  CHECK(devices[1].bytes == 100);
  CHECK(devices[1].offset == 1400);
}

TEST_CASE("or with the first END, of RAM or not") {
  Stream stream;
  stream.ram(SectionKind::part, {page(0)})
      .other(SectionKind::end, "dirty-bitmap")
      .ram(SectionKind::end, {});
  CHECK(stream.model.marks().switchover == 1200);
  CHECK(stream.model.marks().ram_end_begin == 1300);
  CHECK(stream.done().sections().size() == 2);
}

TEST_CASE("a section that is cut off has no end") {
  Stream stream;
  stream.model.on_section_begin({SectionKind::end, 2, "ram", 0, 4, 5000});
  stream.model.on_pages(std::array{page(0)});
  CHECK(stream.done().sections()[0].end == 0);
  CHECK(stream.done().sections()[0].pages == 1);
  CHECK(stream.model.marks().ram_end_begin == 5000);
  CHECK_FALSE(stream.model.marks().ram_end_end);
}

TEST_CASE("pages are of the size that came with the block list") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  CHECK_FALSE(model.page_size());
  model.on_ram_blocks(std::array{block("ram", 1u << 20)}, 65536);
  CHECK(model.page_size() == 65536u);
  CHECK(model.ram().blocks[0].pages == 16);
}

TEST_CASE("a block list that cannot be followed is told, not followed") {
  Stream stream({block("pc.ram", UINT64_MAX)});
  stream.ram(SectionKind::part, {page(0)});
  CHECK_FALSE(stream.model.has_ram());
  REQUIRE(stream.model.problems().size() == 1);
  CHECK(stream.done().ram().totals.unique_pages == 0);
}

TEST_CASE("a stream that is all problems does not fill memory with them") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  for (uint64_t i = 0; i < 5000; ++i)
    model.on_problem(i, "odd");
  CHECK(model.problems().size() == 1000);
  CHECK(model.problems()[999].problem.offset == 999);
}

TEST_CASE("a mapped-ram file: pages in START, between the blocks of its list") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  captures::Configuration configuration;
  configuration.capabilities = {"mapped-ram"};
  model.on_configuration(configuration);
  SectionHeader start;
  start.kind = SectionKind::start;
  start.idstr = "ram";
  start.offset = 100;
  std::array blocks{block("pc.ram", 1u << 20), block("pc.bios", 1u << 16)};
  model.on_section_begin(start);
  model.on_ram_blocks(std::span(blocks).first(1), kPage);
  model.on_pages(std::array{page(1, PageKind::normal, kPage),
                            page(2, PageKind::normal, kPage)});
  model.on_ram_blocks(blocks, kPage);
  model.on_pages(std::array{page(0, PageKind::normal, kPage, 1)});
  model.on_section_end(start, {.end = 5000});
  REQUIRE(model.sections().size() == 1);
  CHECK(model.sections()[0].offset == 100);
  CHECK(model.sections()[0].end == 5000);
  CHECK(model.sections()[0].kind == SectionKind::start);
  model.finish();
  Ram ram = model.ram();
  CHECK(ram.totals.normal == 3);
  CHECK(ram.totals.unique_pages == 3);
  REQUIRE(ram.blocks.size() == 2);
  CHECK(ram.blocks[0].unique_pages == 2);
  CHECK(ram.blocks[1].unique_pages == 1);
  CHECK(ram.blocks[1].bytes == 1u << 16);
}

TEST_CASE(
    "a second connection is a postcopy's, whatever is left of the first") {
  Stream stream;
  stream.ram(SectionKind::part, {page(0)});
  CHECK_FALSE(stream.model.marks().postcopy);
  stream.model.on_channel(1); // a multifd channel's pages
  stream.model.on_channel(0);
  stream.ram(SectionKind::part, {page(1)});
  CHECK_FALSE(stream.model.marks().postcopy);
  stream.model.on_channel(2);
  stream.ram(SectionKind::part, {page(2)});
  CHECK(stream.model.marks().postcopy);
}

TEST_CASE("pages of scans stand in stretches of them, wherever they came") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  auto section = [](SectionKind kind, uint64_t offset) {
    return SectionHeader{kind, 2, "ram", 0, 4, offset};
  };
  auto pages = [](uint64_t from, uint64_t to) {
    std::vector<PageItem> out;
    for (uint64_t i = from; i < to; ++i)
      out.push_back(page(i, PageKind::zero, 9));
    out.front().offset = from;
    return out;
  };
  model.on_section_begin(section(SectionKind::start, 50));
  model.on_ram_blocks(std::vector{block("pc.ram", 64u << 20)}, kPage);
  model.on_multifd_flush(80);
  model.on_section_end(section(SectionKind::start, 50), {.end = 90});
  model.on_section_begin(section(SectionKind::part, 100));
  model.on_channel(2);
  model.on_pages(pages(0, 100));
  model.on_channel(1);
  model.on_pages(pages(100, 300)); // a packet has 128 at most
  model.on_channel(0);
  model.on_multifd_flush(150);
  CHECK_FALSE(model.end_scan());
  model.on_channel(1);
  model.on_pages(pages(7, 8));
  model.on_channel(0);
  model.on_section_end(section(SectionKind::part, 100), {.end = 190});
  model.on_section_begin(section(SectionKind::end, 200));
  model.on_channel(2);
  model.on_pages(pages(8, 9));
  model.on_channel(0);
  model.on_multifd_flush(250);
  model.on_section_end(section(SectionKind::end, 200), {.end = 290});
  model.finish();
  const auto& sections = model.sections();
  REQUIRE(sections.size() == 4);
  CHECK(sections[0].channel == 2);
  CHECK(sections[0].offset == 0);
  CHECK(sections[0].pages == 128);
  CHECK(sections[1].channel == 1);
  CHECK(sections[1].pages == 128);
  CHECK(sections[2].pages == 44);
  CHECK(sections[3].channel == 1);
  CHECK(sections[3].offset == 7);
  CHECK(sections[3].pages == 2);
  CHECK(sections[3].resent == 2);
  CHECK(sections[3].repeats == 1); // page 7 and 8 stood in the first
  CHECK(model.end_scan() == 3u);
  CHECK(model.marks().ram_end_begin == 200u);
  CHECK(model.marks().ram_end_end == 290u);
}

TEST_CASE("large memory has longer stretches, not more of them") {
  TaskPool pool{1};
  StreamModel model{pool, Content::ignored};
  constexpr uint64_t kPages = uint64_t{1} << 24; // 64 GiB
  model.on_ram_blocks(std::vector{block("pc.ram", kPages * kPage)}, kPage);
  model.on_multifd_flush(80);
  std::vector<PageItem> pages;
  for (uint64_t i = 0; i < 1000; ++i)
    pages.push_back(page(i));
  model.on_pages(pages);
  model.finish();
  REQUIRE(model.sections().size() == 4);
  CHECK(model.sections()[0].pages == kPages / 65536);
}

TEST_CASE("pages in START, where QEMU writes none, are counted") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  model.on_section_begin({SectionKind::start, 2, "ram", 0, 4, 50});
  model.on_ram_blocks(std::vector{block("pc.ram", 1u << 20)}, kPage);
  model.on_pages(std::vector{page(0), page(1)});
  model.on_section_end({SectionKind::start, 2, "ram", 0, 4, 50},
                       {90, 20, captures::BodyExtent::parsed});
  model.finish();
  REQUIRE(model.sections().size() == 1);
  CHECK(model.sections()[0].offset == 50);
  CHECK(model.sections()[0].end == 90);
  CHECK(model.ram().blocks[0].sent_pages == 2);
  CHECK(model.ram().totals.zero == 2);
}

TEST_CASE("more RAM sections than are told apart are counted all the same") {
  constexpr size_t kMost = captures::limits::kMaxRamSections;
  Stream stream;
  for (size_t i = 0; i < kMost + 2; ++i)
    stream.ram(SectionKind::part, {page(i % 4)});
  stream.ram(SectionKind::end, {page(0)});
  CHECK(stream.done().sections().size() == kMost + 1);
  Ram ram = stream.done().ram();
  CHECK(ram.totals.zero == kMost + 3);
  CHECK(ram.blocks[0].sent_pages == kMost + 3);
  CHECK(ram.blocks[0].stop_copy_pages == 1);
  REQUIRE(stream.model.problems().size() == 1);
  CHECK(stream.model.problems()[0].problem.severity == Severity::error);
  CHECK(stream.model.damaged());
}

TEST_CASE("more memory than can be followed is an error, told once") {
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  std::vector<RamBlock> blocks{block("vast", 1ull << 52)};
  model.on_ram_blocks(blocks, 256); // 16 bytes a page: above any address space
  blocks.push_back(block("more", 4096));
  model.on_ram_blocks(blocks, 256);
  CHECK_FALSE(model.has_ram());
  CHECK(model.problems().size() == 1);
  CHECK(model.damaged());
}

TEST_CASE("senders of states in pieces are limited in number") {
  constexpr uint32_t kMost = captures::limits::kMaxSections;
  TaskPool pool{1};
  StreamModel model{pool, Content::hashed};
  for (uint32_t i = 0; i < kMost + 2; ++i)
    model.on_device_packet({100, "vfio", i, {}});
  CHECK(model.iterables().size() == kMost);
  CHECK(model.problems().size() == 1);
  CHECK(model.damaged());
}
