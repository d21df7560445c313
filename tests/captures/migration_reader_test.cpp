#include "captures/migration_reader.h"

#include "base/task_pool.h"
#include "tests/support/multifd_builder.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fstream>

using namespace migscope;
using namespace migscope::captures;
using test::MultifdBuilder;
using test::StreamBuilder;
using wire::Command;

namespace {

constexpr uint64_t kRamBytes = 16 * 4096;

// What matters of a merge: whose pages came when.
class MergeLog final : public StreamEvents {
public:
  void on_channel(size_t channel) override { channel_ = channel; }
  void on_section_begin(const SectionHeader& header) override {
    if (header.idstr == "ram")
      lines.push_back(fmt::format("section {}", static_cast<int>(header.kind)));
  }
  void on_section_end(const SectionHeader& header, const SectionEnd&) override {
    if (header.idstr == "ram")
      lines.emplace_back("end");
  }
  void on_multifd_flush(uint64_t) override { lines.emplace_back("flush"); }
  void on_pages(std::span<const PageItem> pages) override {
    for (const PageItem& page : pages) {
      lines.push_back(fmt::format("{} page {}", channel_, page.address / 4096));
      wire_bytes += page.wire_bytes;
    }
  }
  void on_problem(uint64_t, std::string_view message) override {
    problems.push_back(fmt::format("{} {}", channel_, message));
  }
  void on_damage(const Damage& damage) override {
    damages.push_back(damage.error.message);
  }
  void on_eof(uint64_t) override { lines.emplace_back("eof"); }

  std::vector<std::string> lines;
  std::vector<std::string> problems;
  std::vector<std::string> damages;
  uint64_t wire_bytes = 0;

private:
  size_t channel_ = 0;
};

using Lines = std::vector<std::string>;

struct Merged {
  MergeLog log;
  std::vector<OpenChannel> channels;
};

class Files {
public:
  void add(const StreamBuilder::Bytes& bytes) {
    auto name = fmt::format("c{}", recording_.channels.size());
    std::ofstream(directory_.path() / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    recording_.channels.push_back({name, directory_.path() / name});
  }
  [[nodiscard]] std::vector<OpenChannel> open() const {
    return open_channels(recording_);
  }
  [[nodiscard]] Merged read() const {
    Merged out;
    out.channels = open();
    REQUIRE(find_main(out.channels));
    read_migration(out.channels, out.log);
    return out;
  }

private:
  migscope::testing::TempDir directory_;
  Recording recording_;
};

StreamBuilder main_start() {
  StreamBuilder out;
  out.header().configuration("pc").start(2, "ram").mem_size(kRamBytes);
  out.block("pc.ram", kRamBytes);
  return out;
}

MultifdBuilder channel(uint8_t id) {
  MultifdBuilder out;
  out.hello(id).sync();
  return out;
}

// Counts how often it is told to read ahead.
class Watched final : public ByteSource {
public:
  Watched(std::unique_ptr<ByteSource> source, int& count)
      : source_(std::move(source)), count_(count) {}

  std::optional<uint64_t> bytes() const override { return source_->bytes(); }
  Result<std::span<const std::byte>> next() override { return source_->next(); }
  void read_ahead(TaskPool&) override { ++count_; }
  Result<std::vector<std::byte>> tail(size_t most) override {
    return source_->tail(most);
  }

private:
  std::unique_ptr<ByteSource> source_;
  int& count_;
};

// How often each channel is told.
std::vector<int> reads_ahead(const Files& files) {
  auto channels = files.open();
  std::vector<int> out(channels.size());
  for (size_t i = 0; i < out.size(); ++i)
    channels[i].source =
        std::make_unique<Watched>(std::move(channels[i].source), out[i]);
  TaskPool pool(1);
  StreamEvents nobody;
  read_migration(channels, nobody, {.pool = &pool});
  return out;
}

std::string why(const Files& files) {
  auto main = find_main(files.open());
  return main ? "" : describe(main.error());
}

} // namespace

TEST_CASE("multifd pages come before the mark that ends their epoch") {
  Files files;
  files.add(channel(1).raw({.normal = {0x1000}}).sync().sync().bytes());
  files.add(main_start()
                .flush()
                .eos()
                .footer()
                .part(2)
                .zero("pc.ram", 0x5000)
                .flush()
                .eos()
                .footer()
                .end(2)
                .flush()
                .eos()
                .footer()
                .eof()
                .done());
  files.add(channel(0)
                .raw({.normal = {0x2000}, .zero = {0x3000}})
                .sync()
                .raw({.normal = {0x2000}})
                .sync()
                .bytes());
  Merged out = files.read();
  CHECK(out.log.lines == Lines{"section 1", "flush", "end", "section 2",
                               "0 page 1", "2 page 2", "2 page 3", "1 page 5",
                               "flush", "end", "section 3", "2 page 2", "flush",
                               "end", "eof"});
  CHECK(out.log.problems.empty());
  CHECK(out.channels[0].multifd_id == 1);
  CHECK(out.channels[2].multifd_id == 0);
  for (const OpenChannel& channel : out.channels)
    CHECK_FALSE(channel.error);
  // Three packets with pages, and the zero page on the main channel.
  CHECK(out.log.wire_bytes == 3 * (1344 + 4096) + 8 + 7 + 1);
}

TEST_CASE("a scan's pages come in its order, whichever channel has them") {
  Files files;
  files.add(main_start()
                .flush()
                .eos()
                .footer()
                .part(2)
                .zero("pc.ram", 0x2000)
                .zero("pc.ram", 0x4000)
                .zero("pc.ram", 0x9000)
                .flush()
                .zero("pc.ram", 0x1000)
                .eos()
                .footer()
                .end(2)
                .flush()
                .eos()
                .footer()
                .eof()
                .done());
  // A packet's zero pages stand behind the others.
  files.add(channel(0)
                .raw({.normal = {0x3000, 0x5000}, .zero = {0x1000}})
                .raw({.normal = {0x8000}})
                .sync()
                .raw({.normal = {0x3000}})
                .sync()
                .bytes());
  files.add(channel(1)
                .raw({.normal = {0x7000, 0x6000}})
                .raw({.normal = {0xa000}})
                .sync()
                .raw({.normal = {0x2000}})
                .sync()
                .bytes());
  CHECK(files.read().log.lines ==
        Lines{"section 1", "flush",    "end",       "section 2", "1 page 1",
              "1 page 3",  "1 page 5", "0 page 2",  "0 page 4",  "2 page 6",
              "2 page 7",  "1 page 8", "0 page 9",  "2 page 10", "flush",
              "0 page 1",  "end",      "section 3", "2 page 2",  "1 page 3",
              "flush",     "end",      "eof"});
}

TEST_CASE("without MULTIFD_FLUSH an epoch ends with its RAM section") {
  Files files;
  files.add(main_start()
                .eos()
                .footer()
                .part(2)
                .eos()
                .footer()
                .end(2)
                .eos()
                .footer()
                .eof()
                .done());
  files.add(channel(0)
                .raw({.normal = {0x1000}})
                .sync()
                .raw({.normal = {0x1000}})
                .sync()
                .bytes());
  CHECK(files.read().log.lines == Lines{"section 1", "end", "section 2",
                                        "1 page 1", "end", "section 3",
                                        "1 page 1", "end", "eof"});
}

TEST_CASE("a last SYNC without a mark belongs to the END section") {
  Files files;
  files.add(
      main_start().flush().eos().footer().end(2).eos().footer().eof().done());
  files.add(channel(0).raw({.normal = {0x1000}}).sync().bytes());
  Merged out = files.read();
  CHECK(out.log.lines == Lines{"section 1", "flush", "end", "section 3",
                               "1 page 1", "end", "eof"});
  CHECK(out.log.problems.empty());
}

TEST_CASE("pages that fit no block are damage") {
  Files files;
  files.add(
      main_start().flush().eos().footer().end(2).eos().footer().eof().done());
  MultifdBuilder odd = channel(0);
  odd.raw({.normal = {0x1000}, .block = "other"});
  odd.raw({.normal = {kRamBytes}});
  files.add(odd.sync().bytes());
  Merged out = files.read();
  REQUIRE(out.log.damages.size() == 2);
  CHECK(out.log.damages[0].find("\"other\"") != std::string::npos);
  CHECK(out.log.damages[1].find("outside of block") != std::string::npos);
}

TEST_CASE("a channel without as many SYNCs as main has marks is told") {
  // Cut between two packets, or of another migration.
  for (size_t extra : {0, 3}) {
    Files files;
    files.add(main_start()
                  .flush()
                  .eos()
                  .footer()
                  .end(2)
                  .flush()
                  .eos()
                  .footer()
                  .eof()
                  .done());
    MultifdBuilder odd = channel(0);
    for (size_t i = 0; i < extra; ++i)
      odd.sync();
    files.add(odd.bytes());
    Merged out = files.read();
    REQUIRE(out.channels[1].error);
    CHECK(out.channels[1].error->message.starts_with(
        fmt::format("{} SYNC packets, expected 2", 1 + extra)));
  }
}

TEST_CASE("nothing takes over from a connection that did not break off") {
  Files files;
  files.add(main_start().eos().footer().end(2).eos().footer().eof().done());
  StreamBuilder recovered;
  files.add(recovered.command(Command::postcopy_resume)
                .part(2)
                .page("pc.ram", 0x2000, 7)
                .eos()
                .footer(2)
                .done());
  Merged out = files.read();
  CHECK_FALSE(out.channels[0].error);
  REQUIRE(out.channels[1].error);
  CHECK(out.log.lines == Lines{"section 1", "end", "section 3", "end", "eof"});
}

TEST_CASE("a channel that is given twice is told") {
  Files files;
  files.add(
      main_start().flush().eos().footer().end(2).eos().footer().eof().done());
  files.add(channel(0).bytes());
  files.add(channel(0).bytes());
  Merged out = files.read();
  CHECK_FALSE(out.channels[1].error);
  REQUIRE(out.channels[2].error);
  CHECK(out.channels[2].error->message.starts_with(
      "a second multifd channel with id 0"));
}

TEST_CASE("a channel that is cut keeps what it has") {
  Files files;
  files.add(
      main_start().flush().eos().footer().end(2).eos().footer().eof().done());
  auto cut =
      channel(0).raw({.normal = {0x1000}}).raw({.normal = {0x2000}}).bytes();
  cut.resize(cut.size() - 1);
  files.add(cut);
  Merged out = files.read();
  REQUIRE(out.channels[1].error);
  CHECK(out.channels[1].error->kind == ErrorKind::truncated);
  CHECK(out.log.lines[4] == "1 page 1");
  CHECK(out.log.problems.empty());
}

TEST_CASE("a recovered connection and the preempt channel follow") {
  Files files;
  StreamBuilder urgent;
  files.add(urgent.page("pc.ram", 0x3000, 7).done());
  StreamBuilder recovered;
  files.add(recovered.command(Command::postcopy_resume)
                .part(2)
                .page("pc.ram", 0x2000, 7)
                .eos()
                .footer(2)
                .end(2)
                .eos()
                .footer(2)
                .eof()
                .done());
  files.add(
      main_start().eos().footer().part(2).page("pc.ram", 0x1000, 7).done());
  Merged out = files.read();
  CHECK(out.channels[0].start == StreamStart::preempt);
  CHECK(out.channels[1].start == StreamStart::recovered_main);
  CHECK(out.log.lines == Lines{"section 1", "end", "section 2", "2 page 1",
                               "section 2", "1 page 2", "end", "section 3",
                               "end", "eof", "0 page 3"});
  REQUIRE(out.log.problems.size() == 1);
  CHECK(out.log.problems[0].find("another one takes over") !=
        std::string::npos);
  for (const OpenChannel& channel : out.channels)
    CHECK_FALSE(channel.error);
}

TEST_CASE("blocks of a list that stops early are no other channel's") {
  Files files;
  auto cut = main_start().block("pc.bios", 0).done();
  cut.resize(cut.size() - 1);
  files.add(cut);
  StreamBuilder urgent;
  files.add(urgent.page("pc.ram", 0x3000, 7).done());
  Merged out = files.read();
  CHECK(out.log.lines == Lines{"section 1"});
  REQUIRE(out.channels[1].error);
  CHECK(out.channels[1].error->message.find("not in the block list") !=
        std::string::npos);
}

TEST_CASE("channels are read ahead, but not where pages have fixed places") {
  Files files;
  files.add(main_start().eos().footer().end(2).eos().footer().eof().done());
  files.add(channel(0).bytes());
  CHECK(reads_ahead(files) == std::vector{1, 1});
  Files mapped;
  mapped.add(StreamBuilder()
                 .header()
                 .configuration("pc")
                 .config_capabilities({"mapped-ram"})
                 .start(2, "ram")
                 .done());
  CHECK(reads_ahead(mapped) == std::vector{0});
}

TEST_CASE("a description at the end says how large pages are") {
  struct PageSize final : StreamEvents {
    void on_ram_blocks(std::span<const RamBlock>, uint32_t page_size) override {
      bytes = page_size;
    }
    uint32_t bytes = 0;
  };
  for (size_t padding : {0u, 3u << 20}) {
    std::string json = R"({"page_size": 1024, "devices": [])";
    json.append(padding, ' ').append("}");
    Files files;
    files.add(main_start().eos().footer().eof().description(json).done());
    auto channels = files.open();
    PageSize events;
    read_migration(channels, events);
    CHECK(events.bytes == 1024);
  }
}

TEST_CASE("what is not a migration is named") {
  SUBCASE("two main channels") {
    Files files;
    files.add(main_start().done());
    files.add(main_start().done());
    CHECK(why(files) ==
          "c1: a main channel, as is c0: these are two migrations");
  }
  SUBCASE("multifd channels alone") {
    Files files;
    files.add(channel(0).bytes());
    CHECK(why(files) == "c0: expected the main channel of a migration, found a "
                        "multifd channel; give the main channel's file, too");
  }
  SUBCASE("TLS") {
    Files files;
    StreamBuilder tls;
    files.add(tls.be16(0x1603).fill(30, 0).done());
    CHECK(why(files).find("encrypted (TLS)") != std::string::npos);
    CHECK(why(files).find("without tls-creds") != std::string::npos);
  }
  SUBCASE("nothing") {
    Files files;
    files.add({});
    CHECK(why(files) == "c0: there is nothing in it");
  }
}
