// Streams of real QEMUs, decoded in full. What QEMU counted stands beside each.
#include "qmp/json.h"
#include "tests/captures/stream/event_log.h"
#include "tests/support/fixture.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <map>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

struct Device {
  std::string idstr;
  uint32_t instance_id = 0;
  uint64_t bytes = 0;
  bool operator==(const Device&) const = default;
};

// Counts what a stream tells.
class Tally : public StreamEvents {
public:
  void on_configuration(const Configuration& value) override {
    configuration = value;
  }
  void on_section_begin(const SectionHeader& header) override {
    ++sections[header.kind];
  }
  void on_section_end(const SectionHeader& header,
                      const SectionEnd& end) override {
    ++extents[end.extent];
    if (header.kind == SectionKind::full)
      devices.push_back({header.idstr, header.instance_id, end.body_bytes});
  }
  void on_ram_blocks(std::span<const RamBlock> list, uint32_t) override {
    blocks.assign(list.begin(), list.end());
  }
  void on_pages(std::span<const PageItem> items) override {
    for (const PageItem& item : items)
      ++pages[item.kind];
  }
  void on_multifd_flush(uint64_t) override { ++flushes; }
  void on_command(const CommandItem& item) override {
    commands.push_back(item.command);
  }
  void on_package_end(uint64_t) override { ++packages; }
  void on_description(std::string_view json, uint64_t) override {
    description = json;
  }
  void on_problem(uint64_t offset, std::string_view message) override {
    problems.push_back(fmt::format("{:#x}: {}", offset, message));
  }

  Configuration configuration;
  std::map<SectionKind, size_t> sections;
  std::map<BodyExtent, size_t> extents;
  std::vector<Device> devices;
  std::vector<RamBlock> blocks;
  std::map<PageKind, uint64_t> pages;
  std::vector<uint16_t> commands;
  std::vector<std::string> problems;
  std::string description;
  size_t flushes = 0;
  size_t packages = 0;
};

struct Decoded {
  Tally tally;
  std::string error;
};

Decoded tally_of(std::span<const std::byte> bytes,
                 DecoderOptions options = {}) {
  Decoded out;
  uint64_t origin = options.origin;
  StreamDecoder decoder(out.tally, std::move(options));
  Status status = decoder.feed(bytes);
  if (status)
    status = decoder.finish();
  if (!status)
    out.error = describe(status.error());
  CHECK(decoder.position() == origin + bytes.size());
  return out;
}

std::optional<Description>
description_at_end(std::span<const std::byte> bytes) {
  auto text = find_description(bytes);
  if (!text)
    return {};
  auto parsed = parse_description(*text);
  REQUIRE(parsed);
  return *parsed;
}

bool is_mapped(const std::string& name) {
  return name.find("-mapped-ram") != name.npos;
}

bool is_case(const std::string& name, std::string_view kind) {
  return name.ends_with(kind);
}

// Whose pages are on other channels, too (channel_fixture_test.cpp).
bool has_channels(const std::string& name) {
  return name.find("multifd") != name.npos || is_case(name, "preempt");
}

bool is_postcopy(const std::string& name) {
  return is_case(name, "postcopy") || is_case(name, "preempt");
}

std::string version_of(const std::string& name) {
  return name.substr(7, name.find('-', 7) - 7);
}

uint64_t origin_of(const std::string& name) {
  auto facts = qmp::Json::parse(read_fixture(name + ".json"));
  REQUIRE(facts);
  return facts->get("origin").as_uint().value_or(0);
}

Tally whole(const std::string& name) {
  auto bytes = read_zst_fixture(name + ".zst");
  Decoded out = tally_of(bytes, {.description = description_at_end(bytes),
                                 .origin = origin_of(name)});
  CHECK(out.error == "");
  return std::move(out.tally);
}

} // namespace

TEST_CASE("there are fixtures of three QEMUs") {
  auto names = stream_fixtures();
  for (std::string version : {"7.2", "10.0", "11.1"})
    CHECK(std::ranges::count(names, version, version_of) >= 9);
}

TEST_CASE("every fixture is decoded to its end, without a problem") {
  for (const std::string& name : stream_fixtures()) {
    CAPTURE(name);
    Tally tally = whole(name);
    CHECK(tally.problems.empty());
    CHECK(tally.configuration.machine == "pc-q35-" + version_of(name));
    CHECK(tally.sections[SectionKind::start] >= 1);
    CHECK(tally.devices.size() > 20);
  }
}

TEST_CASE("pages are as many as QEMU counted") {
  for (const std::string& name : stream_fixtures()) {
    CAPTURE(name);
    auto facts = qmp::Json::parse(read_fixture(name + ".json"));
    REQUIRE(facts);
    auto normal = facts->get("normal").as_uint().value_or(0);
    auto zero = facts->get("duplicate").as_uint().value_or(0);
    Tally tally = whole(name);
    uint64_t bytes = 0;
    for (const RamBlock& block : tally.blocks)
      bytes += block.used_length;
    if (has_channels(name))
      continue;
    if (is_mapped(name)) {
      // QEMU counts each time that it writes a page; here it stands once.
      CHECK(tally.pages[PageKind::normal] > 32);
      CHECK(tally.pages[PageKind::normal] < normal);
      CHECK(bytes == facts->get("total").as_uint());
      continue;
    }
    CHECK(tally.pages[PageKind::normal] == normal);
    // With compress, 7.2 also counts compressed pages as zero now and then.
    if (!is_case(name, "compress"))
      CHECK(tally.pages[PageKind::zero] == zero);
    CHECK((tally.pages[PageKind::xbzrle] > 0) == is_case(name, "xbzrle"));
    CHECK((tally.pages[PageKind::compressed] > 0) == is_case(name, "compress"));
    if (!is_case(name, "ignore-shared"))
      CHECK(bytes == facts->get("total").as_uint());
  }
}

TEST_CASE("from 8.2 on QEMU counts every byte of the main channel") {
  for (const std::string& name : stream_fixtures()) {
    if (version_of(name) == "7.2" || has_channels(name) || is_mapped(name))
      continue;
    // Device state that is put by before it is sent is counted twice.
    if (is_postcopy(name) || is_case(name, "background"))
      continue;
    CAPTURE(name);
    auto facts = qmp::Json::parse(read_fixture(name + ".json"));
    REQUIRE(facts);
    CHECK(facts->get("transferred").as_uint() ==
          read_zst_fixture(name + ".zst").size());
  }
}

TEST_CASE("described sizes and footers agree on every device") {
  size_t compared = 0;
  for (const std::string& name : stream_fixtures()) {
    if (is_case(name, "no-footer"))
      continue;
    CAPTURE(name);
    auto bytes = read_zst_fixture(name + ".zst");
    auto description = description_at_end(bytes);
    Decoded scanned = tally_of(bytes, {.origin = origin_of(name)});
    CHECK(scanned.error == "");
    CHECK(scanned.tally.extents[BodyExtent::description] == 0);
    CHECK(scanned.tally.extents[BodyExtent::footer_scan] ==
          scanned.tally.devices.size());
    if (!description)
      continue;
    std::vector<Device> described;
    for (const DescribedDevice& device : description->devices)
      described.push_back({device.name, device.instance_id, device.body_bytes});
    CHECK(described == scanned.tally.devices);
    Tally sized = whole(name);
    CHECK(sized.devices == scanned.tally.devices);
    CHECK(sized.extents[BodyExtent::footer_scan] == 0);
    compared += described.size();
  }
  CHECK(compared > 500);
}

TEST_CASE("without footers the description is needed, and enough") {
  for (const std::string& name : stream_fixtures()) {
    if (!is_case(name, "no-footer"))
      continue;
    CAPTURE(name);
    auto bytes = read_zst_fixture(name + ".zst");
    Tally sized = whole(name);
    CHECK(sized.extents[BodyExtent::description] == sized.devices.size());
    EventLog log;
    StreamDecoder blind(log);
    Status status = blind.feed(bytes);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::unsupported);
  }
}

TEST_CASE("fixtures byte by byte and in odd pieces tell the same") {
  for (const std::string& name : stream_fixtures()) {
    CAPTURE(name);
    auto bytes = read_zst_fixture(name + ".zst");
    DecoderOptions options{.description = description_at_end(bytes),
                           .origin = origin_of(name)};
    Outcome at_once = decode(bytes, options);
    if (!is_mapped(name)) { // which are holes for the most part
      Outcome by_bytes = decode_by_bytes(bytes, options);
      CHECK(by_bytes.lines == at_once.lines);
      CHECK(by_bytes.error == at_once.error);
    }
    std::vector<size_t> cuts;
    for (size_t at = 4093; at < bytes.size(); at += 4093)
      cuts.push_back(at);
    CHECK(decode(bytes, options, cuts).lines == at_once.lines);
  }
}

TEST_CASE("postcopy: one package, no description") {
  for (const std::string& name : stream_fixtures()) {
    if (!is_postcopy(name))
      continue;
    CAPTURE(name);
    Tally tally = whole(name);
    CHECK(tally.packages == 1);
    CHECK(tally.description == "");
    CHECK(tally.sections[SectionKind::end] == 1);
    for (int command : {1, 2, 3, 4, 5, 6, 7})
      CHECK(std::ranges::count(tally.commands, command) >= 1);
    CHECK(std::ranges::count(tally.commands, 11) ==
          (version_of(name) == "7.2" ? 0 : 1));
  }
}

TEST_CASE("other kinds of stream show what makes them special") {
  for (const std::string& name : stream_fixtures()) {
    CAPTURE(name);
    Tally tally = whole(name);
    bool shared = is_case(name, "ignore-shared");
    CHECK((tally.configuration.capabilities ==
           std::vector<std::string>{"x-ignore-shared"}) == shared);
    CHECK((tally.configuration.capabilities ==
           std::vector<std::string>{"mapped-ram"}) == is_mapped(name));
    CHECK(tally.configuration.uuid.has_value() == shared);
    for (const RamBlock& block : tally.blocks)
      CHECK(block.mr_addr.has_value() == shared);
    if (shared)
      CHECK(tally.configuration.uuid == "00112233-4455-6677-8899-aabbccddeeff");
    bool background = is_case(name, "background");
    CHECK((tally.sections[SectionKind::end] == 0) == background);
    size_t started = tally.sections[SectionKind::start];
    CHECK(started ==
          (is_case(name, "dirty-bitmap") || is_case(name, "block") ? 2 : 1));
  }
}

TEST_CASE("a mapped-ram file holds the memory that the guest had") {
  struct Memory : StreamEvents {
    void on_ram_blocks(std::span<const RamBlock> list, uint32_t) override {
      blocks.assign(list.begin(), list.end());
      ram.resize(list[0].used_length);
    }
    void on_pages(std::span<const PageItem> items) override {
      for (const PageItem& item : items)
        if (item.block == 0)
          std::ranges::copy(item.content, ram.begin() + item.address);
    }
    std::vector<RamBlock> blocks;
    std::vector<std::byte> ram;
  };
  size_t seen = 0;
  for (const std::string& name : stream_fixtures()) {
    if (!is_mapped(name))
      continue;
    CAPTURE(name);
    auto facts = qmp::Json::parse(read_fixture(name + ".json"));
    REQUIRE(facts);
    Memory memory;
    StreamDecoder decoder(memory, {.origin = origin_of(name)});
    REQUIRE(decoder.feed(read_zst_fixture(name + ".zst")));
    REQUIRE(decoder.finish());
    for (const RamBlock& block : memory.blocks)
      CHECK(block.mapped.has_value());
    // Where devices and ROM hide the RAM, pmemsave reads those.
    auto& ram = memory.ram;
    ram.erase(ram.begin() + 0xa0000, ram.begin() + 0x100000);
    CHECK(fmt::format("{:016x}", digest(ram)) ==
          facts->get("ram_fnv1a").as_string());
    ++seen;
  }
  CHECK(seen == 4);
}
