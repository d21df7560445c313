// Channels beside the main one, of real QEMUs: together they have the pages
// that QEMU counted.
#include "qmp/json.h"
#include "tests/captures/stream/event_log.h"
#include "tests/captures/stream/multifd_log.h"
#include "tests/support/bytes.h"
#include "tests/support/fixture.h"

#include "captures/stream/preempt_channel.h"
#include "captures/stream/return_path.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <map>
#include <set>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;
using testing::Bytes;

namespace {

const std::string kVersions[] = {"7.2", "10.0", "11.1"};
const std::string kMethods[] = {"none", "zlib", "zstd"};

using Page = std::pair<std::string, uint64_t>; // block and address

// What a main or preempt channel tells of RAM.
class RamTally : public StreamEvents {
public:
  void on_section_begin(const SectionHeader& header) override {
    ram_sections += header.idstr == "ram";
  }
  void on_ram_blocks(std::span<const RamBlock> list, uint32_t) override {
    blocks.assign(list.begin(), list.end());
  }
  void on_pages(std::span<const PageItem> items) override {
    for (const PageItem& item : items) {
      normal += item.kind == PageKind::normal;
      zero += item.kind == PageKind::zero;
      pages.emplace(blocks.at(item.block).name, item.address);
    }
  }
  void on_multifd_flush(uint64_t) override { ++flushes; }
  void on_problem(uint64_t, std::string_view) override { ++problems; }
  void on_damage(const Damage&) override { ++problems; }

  std::vector<RamBlock> blocks;
  std::set<Page> pages;
  uint64_t normal = 0;
  uint64_t zero = 0;
  size_t ram_sections = 0;
  size_t flushes = 0;
  size_t problems = 0;
};

class MultifdTally : public MultifdEvents {
public:
  void on_hello(const MultifdHello& hello) override { id = hello.id; }
  void on_packet(const MultifdPacket& packet) override {
    normal += packet.normal.size();
    zero += packet.zero.size();
    wire_bytes += packet.header_bytes + packet.payload_bytes;
    CHECK(packet.pages.size() == packet.normal.size() * 4096);
    for (size_t i = 0; i < packet.normal.size(); ++i) {
      auto content = packet.pages.subspan(i * 4096, 4096);
      if (packet.block == "pc.bios")
        firmware[packet.normal[i]] = Bytes(content.begin(), content.end());
    }
    if (!packet.normal.empty())
      methods.insert(packet.method);
    packets_before_sync += syncs == 0;
  }
  void on_sync(uint64_t) override { ++syncs; }
  void on_damage(const Damage&) override { ++problems; }
  void on_problem(uint64_t, std::string_view) override { ++problems; }

  int id = -1;
  uint64_t normal = 0;
  uint64_t zero = 0;
  uint64_t wire_bytes = 0;
  std::map<uint64_t, Bytes> firmware; // by address
  std::set<MultifdMethod> methods;
  size_t syncs = 0;
  size_t packets_before_sync = 0;
  size_t problems = 0;
};

class ReturnTally : public ReturnEvents {
public:
  void on_shut(uint64_t, uint32_t status) override { shut = status; }
  void on_pong(uint64_t, uint32_t value) override { pongs.insert(value); }
  void on_page_request(const PageRequest& request) override {
    CHECK(request.length == 4096);
    requests.emplace(request.block, request.address);
  }
  void on_received_bitmap(const ReceivedBitmap& bitmap) override {
    ++bitmaps;
    for (uint64_t i = 0; i < bitmap.bits.size() * 8; ++i)
      if ((std::to_integer<unsigned>(bitmap.bits[i / 8]) >> (i % 8) & 1) != 0)
        received.emplace(bitmap.block, i * 4096);
  }
  void on_resume_ack(uint64_t, uint32_t value) override { resumed = value; }

  std::set<uint32_t> pongs;
  std::set<Page> requests;
  std::set<Page> received;
  size_t bitmaps = 0;
  std::optional<uint32_t> shut;
  std::optional<uint32_t> resumed;
};

uint64_t fact(const std::string& name, const char* key) {
  auto facts = qmp::Json::parse(read_fixture(name + ".json"));
  REQUIRE(facts);
  auto value = facts->get(key).as_uint();
  REQUIRE(value);
  return *value;
}

// Feeds and finishes any of the decoders.
template <typename Decoder>
std::string decode_whole(Decoder& decoder, const Bytes& bytes) {
  Status status = decoder.feed(bytes);
  if (status)
    status = decoder.finish();
  return status ? "" : describe(status.error());
}

MultifdTally multifd_tally(const Bytes& bytes) {
  MultifdTally out;
  MultifdDecoder decoder(out, 4096);
  size_t at = 0;
  while (at < bytes.size()) {
    auto taken = decoder.feed(std::span(bytes).subspan(at));
    REQUIRE(taken);
    at += *taken;
  }
  CHECK(decoder.finish());
  CHECK(decoder.position() == bytes.size());
  return out;
}

} // namespace

TEST_CASE("multifd: main and channels together have QEMU's pages") {
  for (const std::string& version : kVersions)
    for (const std::string& method : kMethods) {
      std::string name = "stream-" + version + "-multifd-" + method;
      CAPTURE(name);
      RamTally main;
      StreamDecoder decoder(main);
      auto bytes = read_zst_fixture(name + ".zst");
      CHECK(decode_whole(decoder, bytes) == "");
      // The main channel's marks: a word in it, or the end of a section.
      size_t marks = version == "7.2" ? main.ram_sections : main.flushes;
      uint64_t normal = main.normal, zero = main.zero;
      uint64_t wire_bytes = bytes.size();
      for (int id : {0, 1}) {
        CAPTURE(id);
        auto channel = multifd_tally(read_zst_fixture(
            fmt::format("channel-{}-multifd-{}-{}.zst", version, method, id)));
        CHECK(channel.id == id);
        CHECK(channel.problems == 0);
        CHECK(channel.syncs == marks);
        CHECK(channel.packets_before_sync == 0);
        normal += channel.normal;
        zero += channel.zero;
        wire_bytes += 64 + channel.wire_bytes + channel.syncs * 1344;
      }
      CHECK(normal == fact(name, "normal"));
      CHECK(zero == fact(name, "duplicate"));
      // From 8.2 on every byte of every channel is counted.
      if (version != "7.2")
        CHECK(wire_bytes == fact(name, "transferred"));
    }
}

TEST_CASE("multifd: every method gives the same firmware") {
  // How the firmware of regen_streams.py begins.
  constexpr uint8_t kCode[] = {0x31, 0xff, 0xb8, 0x00, 0x10, 0x8e, 0xc0, 0x26};
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    std::map<uint64_t, Bytes> first;
    for (const std::string& method : kMethods) {
      CAPTURE(method);
      std::map<uint64_t, Bytes> firmware;
      std::set<MultifdMethod> methods;
      for (int id : {0, 1}) {
        auto channel = multifd_tally(read_zst_fixture(
            fmt::format("channel-{}-multifd-{}-{}.zst", version, method, id)));
        firmware.merge(channel.firmware);
        methods.merge(channel.methods);
      }
      CHECK(methods == std::set{method == "none"   ? MultifdMethod::none
                                : method == "zlib" ? MultifdMethod::zlib
                                                   : MultifdMethod::zstd});
      REQUIRE(firmware.contains(0));
      CHECK(std::ranges::equal(std::span(firmware[0]).first(sizeof kCode),
                               std::as_bytes(std::span(kCode))));
      if (first.empty())
        first = firmware;
      CHECK(firmware == first);
    }
  }
}

TEST_CASE("multifd: channels in pieces tell the same") {
  for (const std::string& version : kVersions)
    for (const std::string& method : kMethods) {
      auto name = "channel-" + version + "-multifd-" + method + "-1.zst";
      CAPTURE(name);
      auto bytes = read_zst_fixture(name);
      MultifdOutcome whole = decode_multifd(bytes);
      CHECK(whole.error == "");
      std::vector<size_t> cuts;
      for (size_t at = 4093; at < bytes.size(); at += 4093)
        cuts.push_back(at);
      CHECK(decode_multifd(bytes, cuts) == whole);
      if (method != "none")
        CHECK(decode_multifd_by_bytes(bytes) == whole);
    }
}

TEST_CASE("preempt: main and channel together have QEMU's pages") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    RamTally main;
    StreamDecoder decoder(main);
    std::string name = "stream-" + version + "-preempt";
    CHECK(decode_whole(decoder, read_zst_fixture(name + ".zst")) == "");
    RamTally urgent;
    urgent.blocks = main.blocks;
    PreemptDecoder preempt(urgent, decoder.connection_state());
    auto bytes = read_zst_fixture("channel-" + version + "-preempt.zst");
    CHECK(decode_whole(preempt, bytes) == "");
    CHECK(preempt.position() == bytes.size());
    CHECK(main.normal + urgent.normal == fact(name, "normal"));
    CHECK(main.zero + urgent.zero == fact(name, "duplicate"));

    ReturnTally answers;
    ReturnPathDecoder back(answers);
    auto path = read_zst_fixture("return-" + version + "-preempt.zst");
    CHECK(decode_whole(back, path) == "");
    CHECK(answers.shut == 0);
    for (uint32_t ping : {1, 2, 3, 4})
      CHECK(answers.pongs.contains(ping));
    CHECK(answers.pongs.contains(0x42) == (version == "11.1"));
    // Urgent pages are those that were asked for.
    CHECK(answers.requests.size() >= urgent.pages.size());
    for (const Page& page : urgent.pages)
      CHECK(answers.requests.contains(page));
  }
}

TEST_CASE("recovery: what was received and what comes after make up all") {
  for (const std::string& version : kVersions) {
    CAPTURE(version);
    RamTally before;
    StreamDecoder broken(before);
    std::string name = version + "-recover-";
    CHECK(decode_whole(broken, read_zst_fixture("channel-" + name + "0.zst"))
              .find("the stream ends early") != std::string::npos);
    ReturnTally cut;
    ReturnPathDecoder first(cut);
    CHECK(decode_whole(first, read_zst_fixture("return-" + name + "0.zst"))
              .find("without SHUT") != std::string::npos);

    RamTally after;
    after.blocks = before.blocks;
    StreamDecoder resumed(after, {.resumed = broken.connection_state()});
    CHECK(decode_whole(resumed,
                       read_zst_fixture("channel-" + name + "1.zst")) == "");
    ReturnTally answers;
    ReturnPathDecoder second(answers);
    CHECK(decode_whole(second, read_zst_fixture("return-" + name + "1.zst")) ==
          "");
    CHECK(answers.resumed == 1);
    CHECK(answers.shut == 0);
    CHECK(answers.bitmaps == before.blocks.size());
    CHECK(!answers.received.empty());
    for (const Page& page : answers.received)
      CHECK(before.pages.contains(page));
    for (const RamBlock& block : before.blocks)
      for (uint64_t at = 0; at < block.used_length; at += 4096) {
        Page page{block.name, at};
        CHECK(answers.received.contains(page) + after.pages.contains(page) >=
              1);
      }
  }
}
