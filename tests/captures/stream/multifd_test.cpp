// Multifd channels, packet by packet.
#include "tests/captures/codec/packers.h"
#include "tests/captures/stream/multifd_log.h"
#include "tests/support/multifd_builder.h"

#include "captures/stream/limits.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::test;
using namespace migscope::captures;

namespace {

constexpr size_t kHead = 1344; // of a packet with pages of 4 KiB
constexpr uint32_t kZlib = 1 << 1;
constexpr uint32_t kZstd = 2 << 1;

MultifdBuilder channel() {
  return MultifdBuilder().hello(0);
}

// Decodes whole, byte by byte and in two pieces, expecting the same.
MultifdOutcome decode_all_ways(const MultifdBuilder::Bytes& bytes,
                               uint32_t page_size = 4096) {
  MultifdOutcome whole = decode_multifd(bytes, {}, page_size);
  CHECK(decode_multifd_by_bytes(bytes, page_size) == whole);
  for (size_t cut = 0; cut < bytes.size(); cut += 211)
    CHECK(decode_multifd(bytes, {cut}, page_size) == whole);
  return whole;
}

// The lines after the hello.
std::vector<std::string> told(const MultifdOutcome& out) {
  REQUIRE(out.lines.size() >= 1);
  return {out.lines.begin() + 1, out.lines.end()};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Receives the packets' pages as they were decompressed.
class Pages : public MultifdEvents {
public:
  void on_packet(const MultifdPacket& packet) override {
    contents.emplace_back(packet.pages.begin(), packet.pages.end());
  }
  void on_sync(uint64_t) override { ++syncs; }
  void on_damage(const Damage& damage) override { damages.push_back(damage); }
  void on_problem(uint64_t, std::string_view) override { ++problems; }

  std::vector<Bytes> contents;
  std::vector<Damage> damages;
  size_t syncs = 0;
  size_t problems = 0;
};

Status feed_all(MultifdDecoder& decoder, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    auto taken = decoder.feed(bytes);
    if (!taken)
      return fail(taken.error());
    bytes = bytes.subspan(*taken);
  }
  return decoder.finish();
}

// One stream through a whole channel, flushed after each packet.
class ZlibChannel {
public:
  ZlibChannel() { deflateInit(&zs_, 1); }
  ~ZlibChannel() { deflateEnd(&zs_); }
  Bytes pack(Bytes in, int flush = Z_SYNC_FLUSH) {
    Bytes out(in.size() * 2 + 100);
    zs_.next_in = reinterpret_cast<Bytef*>(in.data());
    zs_.avail_in = static_cast<uInt>(in.size());
    zs_.next_out = reinterpret_cast<Bytef*>(out.data());
    zs_.avail_out = static_cast<uInt>(out.size());
    deflate(&zs_, flush);
    out.resize(out.size() - zs_.avail_out);
    return out;
  }

private:
  z_stream zs_{};
};

class ZstdChannel {
public:
  ZstdChannel() : zcs_(ZSTD_createCStream()) {}
  ~ZstdChannel() { ZSTD_freeCStream(zcs_); }
  Bytes pack(const Bytes& in, ZSTD_EndDirective flush = ZSTD_e_flush) {
    Bytes out(in.size() * 2 + 100);
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    ZSTD_compressStream2(zcs_, &to, &from, flush);
    out.resize(to.pos);
    return out;
  }

private:
  ZSTD_CStream* zcs_;
};

} // namespace

TEST_CASE("hello: id and uuid, then silence") {
  auto out = decode_all_ways(MultifdBuilder().hello(7).bytes());
  CHECK(out.error == "");
  CHECK(out.position == 64);
  REQUIRE(out.lines.size() == 1);
  CHECK(out.lines[0].starts_with("hello 7 uuid "));
}

TEST_CASE("anything else than a hello is an error") {
  for (size_t at : {0, 3, 7}) {
    auto bytes = channel().sync().bytes();
    bytes[at] ^= std::byte{0x10};
    auto out = decode_all_ways(bytes);
    CHECK(out.lines.empty());
    CHECK(contains(out.error, "malformed at 0x0: multifd hello: magic"));
    CHECK(out.position == 0);
  }
  auto cut = channel().bytes();
  cut.resize(63);
  CHECK(decode_all_ways(cut).error ==
        "truncated at 0x3f: the channel ends early: in a multifd hello (63 of "
        "64 bytes)");
  CHECK(decode_multifd({}).error ==
        "truncated at 0x0: the channel ends early: in a multifd hello (0 of 64 "
        "bytes)");
}

TEST_CASE("packets, syncs, zero pages") {
  auto build = channel();
  build.sync()
      .raw({.normal = {0x5000, 0x1000}, .packet_num = 3})
      .raw({.normal = {0x2000}, .zero = {0x4000, 0}, .block = "vga.vram"})
      .raw({.zero = {0x9000}, .flags = kZlib})
      .sync();
  auto out = decode_all_ways(build.bytes());
  CHECK(out.error == "");
  CHECK(out.position == build.size());
  auto lines = told(out);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "sync at 0x40");
  CHECK(lines[1].starts_with("packet at 0x580 flags 0x0 num 3 none pc.ram "
                             "normal [20480, 4096] zero [], 8192 page bytes"));
  CHECK(contains(lines[1], "1344 + 8192 on the wire"));
  CHECK(contains(lines[2], "vga.vram normal [8192] zero [16384, 0], 4096"));
  // 9.0 and later name the method in packets of zero pages, too.
  CHECK(contains(lines[3], "zlib pc.ram normal [] zero [36864], 0 page bytes"));
  CHECK(contains(lines[3], "1344 + 0 on the wire"));
  CHECK(lines[4].starts_with("sync at "));
}

TEST_CASE("pages of method none are the payload itself") {
  auto build = channel();
  MultifdFields pages{.normal = {0x1000, 0x3000, 0}};
  build.raw(pages);
  Pages seen;
  MultifdDecoder decoder(seen, 4096);
  CHECK(feed_all(decoder, build.bytes()));
  REQUIRE(seen.contents.size() == 1);
  CHECK(seen.contents[0] == build.content(pages.normal));
}

TEST_CASE("a packet without normal pages has no payload, whatever its size") {
  // As 7.2 leaves behind: size, name and array of the packet before.
  auto build = channel();
  build.raw({.normal = {0x1000, 0x2000}})
      .packet({.flags = wire::kMultifdSync, .payload_bytes = 8192, .stale = 77})
      .packet({.payload_bytes = 0xffffffff, .stale = 0x1000})
      .raw({.normal = {0x3000}});
  auto lines = told(decode_all_ways(build.bytes()));
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].starts_with("sync at"));
  CHECK(contains(lines[2], "normal [12288]"));
}

TEST_CASE("up to 8.2 a packet can carry pages and SYNC") {
  auto build = channel();
  build.raw({.normal = {0x1000}, .flags = wire::kMultifdSync}).packet({});
  auto out = decode_all_ways(build.bytes());
  CHECK(out.error == "");
  auto lines = told(out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("packet at 0x40"));
  CHECK(lines[1] == "sync at 0x40");
}

TEST_CASE("packets of 9.2 with SYNC have no page array to speak of") {
  auto build = channel();
  build.packet({.flags = wire::kMultifdSync, .block = "", .allocated = 0});
  CHECK(told(decode_all_ways(build.bytes())) ==
        std::vector<std::string>{"sync at 0x40"});
}

TEST_CASE("the page array follows from the page size") {
  for (uint32_t page_size : {256u, 1024u, 8192u, 65536u}) {
    CAPTURE(page_size);
    MultifdBuilder build(page_size);
    build.hello(1).raw({.normal = {3 * page_size}, .zero = {0}}).sync();
    auto out = decode_multifd(build.bytes(), {}, page_size);
    CHECK(out.error == "");
    auto lines = told(out);
    REQUIRE(lines.size() == 2);
    CHECK(contains(lines[0],
                   fmt::format("{} + {} on the wire",
                               320 + 8 * (524288 / page_size), page_size)));
  }
}

TEST_CASE("feed stops after each packet that it tells of") {
  auto build = channel();
  build.sync();
  size_t first = build.size();
  build.raw({.normal = {0x1000}, .flags = wire::kMultifdSync});
  size_t second = build.size();
  build.raw({.normal = {0x2000}});
  size_t third = build.size();
  build.raw({.normal = {0x3000}});
  std::span<const std::byte> bytes = build.bytes();
  MultifdLog log;
  MultifdDecoder decoder(log, 4096);
  CHECK(decoder.feed(bytes) == first);
  CHECK(log.lines.size() == 2);
  CHECK(decoder.position() == first);
  CHECK(decoder.feed(bytes.subspan(first)) == second - first);
  CHECK(log.lines.size() == 4);
  CHECK(decoder.feed(bytes.subspan(second)) == third - second);
  CHECK(log.lines.size() == 5);
  CHECK(decoder.feed(bytes.subspan(third)) == bytes.size() - third);
  CHECK(log.lines.size() == 6);
  CHECK(decoder.finish());
  // The same where the SYNC's packet comes in two pieces.
  MultifdLog other;
  MultifdDecoder halves(other, 4096);
  CHECK(halves.feed(bytes.first(first - 9)) == first - 9);
  CHECK(other.lines.size() == 1);
  CHECK(halves.feed(bytes.subspan(first - 9)) == 9);
  CHECK(other.lines.size() == 2);
}

TEST_CASE("zlib: one stream for all packets") {
  ZlibChannel zlib;
  auto build = channel();
  std::vector<std::vector<uint64_t>> packets = {
      {0x1000, 0x2000}, {0x2000}, {0x1000, 0x2000, 0x8000}};
  for (const auto& normal : packets)
    build
        .packet({.normal = normal, .flags = kZlib},
                zlib.pack(build.content(normal)))
        .sync();
  Pages seen;
  MultifdDecoder decoder(seen, 4096);
  CHECK(feed_all(decoder, build.bytes()));
  REQUIRE(seen.contents.size() == packets.size());
  for (size_t i = 0; i < packets.size(); ++i)
    CHECK(seen.contents[i] == build.content(packets[i]));
  CHECK(decode_all_ways(build.bytes()).error == "");
}

TEST_CASE("zstd: one frame for all packets, never closed") {
  ZstdChannel zstd;
  auto build = channel();
  std::vector<uint64_t> normal = {0x1000, 0x7000};
  for (int i = 0; i < 4; ++i)
    build.packet({.normal = normal, .zero = {0x9000}, .flags = kZstd},
                 zstd.pack(build.content(normal)));
  Pages seen;
  MultifdDecoder decoder(seen, 4096);
  CHECK(feed_all(decoder, build.bytes()));
  REQUIRE(seen.contents.size() == 4);
  for (const Bytes& pages : seen.contents)
    CHECK(pages == build.content(normal));
  CHECK(decode_all_ways(build.bytes()).error == "");
}

TEST_CASE("full packets of pages that do not compress") {
  std::vector<uint64_t> normal;
  for (uint64_t i = 0; i < 128; ++i)
    normal.push_back(i << 12);
  ZstdChannel zstd;
  auto build = channel();
  for (int i = 0; i < 2; ++i)
    build.packet({.normal = normal, .flags = kZstd},
                 zstd.pack(build.content(normal)));
  Pages seen;
  MultifdDecoder decoder(seen, 4096);
  CHECK(feed_all(decoder, build.bytes()));
  REQUIRE(seen.contents.size() == 2);
  CHECK(seen.contents[1] == build.content(normal));
}

TEST_CASE("a payload that gives anything but its pages loses the channel") {
  auto page = channel().page(0x1000);
  auto two = channel().content({0x1000, 0x2000});
  struct Case {
    const char* what;
    Bytes payload;
    const char* message;
  };
  Bytes garbage = testing::pattern(5, 200);
  Bytes half = ZlibChannel().pack(page);
  half.resize(half.size() / 2);
  for (const Case& bad :
       {Case{"too much", ZlibChannel().pack(two), "gives more, expected 4096"},
        Case{"too little", half, "expected 4096"},
        Case{"nothing", Bytes(), "gives 0, expected 4096"},
        Case{"ended", ZlibChannel().pack(page, Z_FINISH), "stream ends"},
        Case{"garbage", garbage, "zlib: "}}) {
    CAPTURE(bad.what);
    ZlibChannel zlib;
    auto build = channel();
    MultifdFields good{.normal = {0x3000}, .flags = kZlib};
    build.packet({.normal = {0x1000}, .flags = kZlib | wire::kMultifdSync},
                 bad.payload);
    size_t next = build.size();
    build.packet(good, zlib.pack(page)).packet(good, zlib.pack(page)).sync();
    auto out = decode_all_ways(build.bytes());
    CHECK(out.error == "");
    auto lines = told(out);
    REQUIRE(lines.size() == 7);
    // The head is told of, and its SYNC; the payload is left out.
    CHECK(contains(lines[0], "normal [4096] zero [], 0 page bytes"));
    CHECK(contains(lines[0], "1344 + 0 on the wire"));
    CHECK(lines[1].starts_with("sync at 0x40"));
    CHECK(lines[2].starts_with(
        fmt::format("damage until {:#x}: at {:#x}: ", next, 64 + kHead)));
    CHECK(contains(lines[2], bad.message));
    // Once it is said that the rest needs what is missing.
    CHECK(contains(lines[3], "problem at"));
    CHECK(contains(lines[4], "zlib pc.ram normal [12288] zero [], 0 page"));
    CHECK(contains(lines[5], "zlib pc.ram normal [12288] zero [], 0 page"));
    CHECK(lines[6].starts_with("sync"));
  }
}

TEST_CASE("methods that are not decoded: pages without contents") {
  auto build = channel();
  std::string names[] = {"qpl", "uadk", "qatzip", "unknown"};
  for (uint32_t method : {4u, 8u, 16u, 3u})
    build.packet({.normal = {0x1000, 0x2000}, .flags = method << 1},
                 Bytes(100, std::byte{9}));
  build.raw({.normal = {0x5000}});
  auto out = decode_all_ways(build.bytes());
  CHECK(out.error == "");
  auto lines = told(out);
  REQUIRE(lines.size() == 6);
  CHECK(contains(lines[0], "a method that is not decoded (flags 0x8)"));
  for (size_t i = 0; i < 4; ++i) {
    CHECK(contains(lines[1 + i], names[i] + " pc.ram normal [4096, 8192]"));
    CHECK(contains(lines[1 + i], " 0 page bytes"));
    CHECK(contains(lines[1 + i], "1344 + 100 on the wire"));
  }
  CHECK(contains(lines[5], "none pc.ram normal [20480] zero [], 4096 page"));
}

TEST_CASE("a channel that changes its method is not read on") {
  auto build = channel();
  std::vector<uint64_t> normal = {0x1000};
  ZlibChannel zlib;
  build.packet({.normal = normal, .flags = kZlib},
               zlib.pack(build.content(normal)));
  build.packet({.normal = normal, .flags = kZstd},
               ZstdChannel().pack(build.content(normal)));
  build.packet({.normal = normal, .flags = kZlib},
               zlib.pack(build.content(normal)));
  Pages seen;
  MultifdDecoder decoder(seen, 4096);
  CHECK(feed_all(decoder, build.bytes()));
  REQUIRE(seen.contents.size() == 3);
  CHECK(seen.contents[0].size() == 4096);
  CHECK(seen.contents[1].empty());
  CHECK(seen.contents[2].empty());
  CHECK(seen.problems == 1);
}

TEST_CASE("device state has a head of its own") {
  auto build = channel();
  build.device("0000:00:03.0/vfio", 5, Bytes(300, std::byte{1}))
      .raw({.normal = {0x1000}})
      .device("dev", 0, {});
  auto out = decode_all_ways(build.bytes());
  CHECK(out.error == "");
  auto lines = told(out);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("device 0000:00:03.0/vfio 5 at 0x40, 300 bytes"));
  CHECK(lines[1].starts_with("packet at 0x280"));
  CHECK(lines[2].starts_with("device dev 0 at"));
}

TEST_CASE("heads that QEMU does not write are left out, and said why") {
  struct Case {
    MultifdFields pages;
    const char* message;
  };
  std::vector<uint64_t> many(129);
  Case cases[] = {
      {{.normal = {0x1000}, .flags = 0x80}, "flags 0x80, expected"},
      {{.normal = {0x1000}, .flags = 0x41}, "flags 0x41, expected"},
      {{.normal = {0x1000}, .allocated = 64},
       "room for 64 pages, expected 128"},
      {{.normal = {0x1000}, .allocated = 0}, "room for 0 pages, expected 128"},
      {{.normal_pages = 129}, "129 normal and 0 zero pages"},
      {{.zero = {0}, .normal_pages = 128}, "128 normal and 1 zero pages"},
      {{.zero = {0}, .normal_pages = 0xffffffff}, "4294967295 normal and 1"},
      {{.normal = {0x1000}, .payload_bytes = 4095}, "1 pages in 4095 bytes"},
      {{.normal = {0x1000}, .flags = kZlib, .payload_bytes = 1 << 21},
       "1 compressed pages in 2097152 bytes, expected at most 1048576"},
      {{.normal = {0x1001}}, "page 0x1001 of block"},
      {{.zero = {1ull << 52}}, "page 0x10000000000000 of block"},
      {{.normal = {0x1000}, .block = ""}, "the block's name is no text"},
      {{.normal = {0x1000}, .block = std::string("a\x01z")}, "is no text"},
      {{.normal = {0x1000}, .block = std::string("a\0z", 3)}, "is no text"},
      {{.normal = {0x1000}, .block = std::string(256, 'a')}, "is no text"},
  };
  for (const Case& bad : cases) {
    CAPTURE(bad.message);
    auto build = channel();
    build.raw(bad.pages);
    size_t next = build.size();
    build.raw({.normal = {0x6000}}).sync();
    auto out = decode_all_ways(build.bytes());
    CHECK(out.error == "");
    auto lines = told(out);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with(fmt::format("damage until {:#x}: ", next)));
    CHECK(contains(lines[0], bad.message));
    CHECK(contains(lines[1], "normal [24576]"));
  }
  auto build = channel();
  build.device("", 0, Bytes(10)).sync();
  CHECK(contains(told(decode_all_ways(build.bytes())).at(0), "no text"));
}

TEST_CASE("after damage: look-alikes are not packets") {
  auto build = channel();
  build.raw({.normal = {0x1000}});
  size_t bad = build.size();
  build.fill(100, 0x11);
  // Magic and version, but no head; a cut head.
  auto like = MultifdBuilder().raw({.normal = {0x1000}, .flags = 0x100});
  auto& bytes = build.bytes();
  bytes.insert(bytes.end(), like.bytes().begin(), like.bytes().begin() + 40);
  like = MultifdBuilder().raw({.normal = {0x1000}});
  bytes.insert(bytes.end(), like.bytes().begin(), like.bytes().begin() + 90);
  size_t good = build.size();
  build.raw({.normal = {0x2000}}).sync();
  auto out = decode_all_ways(build.bytes());
  CHECK(out.error == "");
  auto lines = told(out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].starts_with(fmt::format(
      "damage until {:#x}: at {:#x}: multifd packet: magic", good, bad)));
}

TEST_CASE("damage up to the end is an error") {
  auto build = channel();
  build.sync();
  size_t bad = build.size();
  build.fill(5000, 0x33);
  auto out = decode_all_ways(build.bytes());
  CHECK(told(out).size() == 1);
  CHECK(out.position == bad);
  CHECK(out.error.starts_with(fmt::format("malformed at {:#x}: ", bad)));
}

TEST_CASE("a payload said too long does not swallow the packets in it") {
  ZlibChannel zlib;
  auto build = channel();
  Bytes payload = zlib.pack(build.content({0x1000}));
  build.packet(
      {.normal = {0x1000},
       .flags = kZlib,
       .payload_bytes = static_cast<uint32_t>(payload.size() + 3 * kHead)},
      payload);
  build.sync().sync().sync().sync();
  auto out = decode_all_ways(build.bytes());
  CHECK(out.error == "");
  auto lines = told(out);
  CHECK(std::ranges::count_if(lines, [](const std::string& line) {
          return line.starts_with("sync at ");
        }) == 4);
}

TEST_CASE("a channel cut anywhere tells what is whole") {
  auto build = channel();
  build.sync();
  std::vector<size_t> ends = {64, build.size()};
  ZlibChannel zlib;
  build.packet({.normal = {0x1000}, .flags = kZlib},
               zlib.pack(build.content({0x1000})));
  ends.push_back(build.size());
  build.device("dev", 0, Bytes(50));
  ends.push_back(build.size());
  build.sync();
  for (size_t size = 0; size < build.size(); ++size) {
    auto out = decode_multifd(std::span(build.bytes()).first(size));
    size_t whole = static_cast<size_t>(
        std::ranges::count_if(ends, [&](size_t end) { return end <= size; }));
    CHECK(out.lines.size() == whole);
    CHECK(out.position == (whole == 0 ? 0 : ends[whole - 1]));
    bool between = whole > 0 && ends[whole - 1] == size;
    CHECK(out.error.empty() == between);
    if (!between)
      CHECK(out.error.starts_with(fmt::format("truncated at {:#x}: ", size)));
  }
}

TEST_CASE("any byte changed: sound, and the same however it is cut") {
  auto build = channel();
  ZlibChannel zlib;
  std::vector<uint64_t> normal = {0x1000, 0x2000};
  Bytes content = build.content(normal);
  std::ranges::fill(std::span(content).subspan(100), std::byte{7});
  build.sync()
      .packet({.normal = normal, .zero = {0}, .flags = kZlib},
              zlib.pack(content))
      .packet({.normal = {0x5000}, .flags = kZlib},
              zlib.pack(Bytes(4096, std::byte{3})))
      .sync();
  for (size_t at = 0; at < build.size(); ++at)
    for (int change : {0x01, 0x40, 0xff}) {
      Bytes broken = build.bytes();
      broken[at] ^= static_cast<std::byte>(change);
      auto whole = decode_multifd(broken);
      CHECK(whole.position <= broken.size());
      auto cut = decode_multifd(broken, {at, at + 1});
      CHECK(cut == whole);
    }
}

TEST_CASE("damage is searched in linear time") {
  // Candidates everywhere: magic and version over and over.
  auto build = channel();
  for (int i = 0; i < 400000; ++i)
    for (int byte : {0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1})
      build.bytes().push_back(static_cast<std::byte>(byte));
  CHECK(decode_multifd(build.bytes()).error.starts_with("malformed"));
  // Heads that look good up to the last page.
  auto nearly = MultifdBuilder().raw({.zero = {1}}).bytes();
  nearly.resize(400);
  auto hostile = channel();
  for (int i = 0; i < 10000; ++i)
    hostile.bytes().insert(hostile.bytes().end(), nearly.begin(), nearly.end());
  CHECK_FALSE(decode_multifd(hostile.bytes()).error.empty());
}
