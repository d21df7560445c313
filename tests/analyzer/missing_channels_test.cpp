// Channels that a migration had and that are not given.
#include "analyzer/memory/memory_report.h"
#include "analyzer/missing_pages.h"
#include "analyzer/read_recording.h"
#include "tests/support/bytes.h"
#include "tests/support/multifd_builder.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::wire::Command;
using test::StreamBuilder;

namespace {

constexpr uint64_t kPage = 4096;

using Lines = std::vector<std::string>;

Lines errors(const captures::Recording& recording) {
  ProblemLog log;
  auto input = read_recording(recording, log);
  REQUIRE(input);
  Lines out;
  for (const Problem& problem : input->problems)
    if (problem.severity == Severity::error)
      out.push_back(problem.channel + ": " + problem.message);
  CHECK(input->complete == out.empty());
  return out;
}

Lines fixture_errors(const Lines& files) {
  captures::Recording recording;
  for (const std::string& file : files)
    recording.channels.push_back(
        {file, std::filesystem::path(MIGSCOPE_FIXTURES) / file});
  return errors(recording);
}

class Files {
public:
  void add(const std::string& name, const StreamBuilder::Bytes& bytes) {
    testing::write_file(directory_.path() / name, bytes);
    recording.channels.push_back({name, directory_.path() / name});
  }
  captures::Recording recording;

private:
  testing::TempDir directory_;
};

StreamBuilder ram_start() {
  StreamBuilder out;
  out.header().configuration("pc-i440fx-10.0");
  return out;
}

StreamBuilder& list(StreamBuilder& stream) {
  stream.start(0, "ram").mem_size(8 * kPage).block("pc.ram", 8 * kPage);
  return stream.eos().footer();
}

StreamBuilder postcopy(uint64_t discarded) {
  StreamBuilder out = ram_start();
  out.command(Command::postcopy_advise,
              StreamBuilder().be64(kPage).be64(kPage).done());
  list(out).part(0).page("pc.ram", 0, 1).eos().footer();
  auto range = StreamBuilder().u8(0).counted("pc.ram").u8(0).be64(0);
  out.command(Command::postcopy_discard, range.be64(discarded).done());
  out.part(0).page("pc.ram", kPage, 2).eos().footer();
  out.end(0).eos().footer().eof();
  return out;
}

const char* const kEmpty =
    "empty: there is nothing in it: expected a channel of the migration";

} // namespace

TEST_CASE("a preempt channel is known to be missing by its pages") {
  for (auto [version, pages] :
       {std::pair{"7.2", 7}, {"10.0", 32}, {"11.1", 33}}) {
    std::string main = fmt::format("stream-{}-preempt.zst", version);
    Lines found = fixture_errors({main});
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with(
        fmt::format("{}: {} pages that postcopy discarded", main, pages)));
    CHECK(fixture_errors({main, fmt::format("channel-{}-preempt.zst", version)})
              .empty());
    CHECK(fixture_errors({fmt::format("stream-{}-postcopy.zst", version)})
              .empty());
    CHECK(fixture_errors({fmt::format("channel-{}-recover-0.zst", version),
                          fmt::format("channel-{}-recover-1.zst", version)})
              .empty());
  }
}

TEST_CASE("an empty return path is known by its name") {
  Files silent;
  silent.add("main", postcopy(2 * kPage).done());
  silent.add("preempt", StreamBuilder().page("pc.ram", 0, 3).done());
  silent.add("channel-1.return.zst", {}); // a multifd channel's, always
  CHECK(errors(silent.recording).empty());
}

TEST_CASE("discarded pages are awaited until the end") {
  Files whole, missing, cut;
  StreamBuilder again = postcopy(2 * kPage);
  whole.add("main", again.done());
  whole.add("preempt", StreamBuilder().page("pc.ram", 0, 3).done());
  CHECK(errors(whole.recording).empty());
  missing.add("main", again.done());
  REQUIRE(errors(missing.recording).size() == 1);
  CHECK(errors(missing.recording)[0].starts_with("main: 1 page "));
  cut.add("main", again.cut(again.size() - 1).done());
  REQUIRE(errors(cut.recording).size() == 1); // that it is cut, alone
  CHECK(errors(cut.recording)[0].find("postcopy discarded") ==
        std::string::npos);
}

TEST_CASE("it is told where discarded ranges are too many to follow") {
  ProblemLog log;
  MissingPages pages(log, 1);
  captures::RamBlock block;
  block.name = "pc.ram";
  block.used_length = 8 * kPage;
  pages.on_ram_blocks(std::span(&block, 1), kPage);
  StreamBuilder ranges;
  ranges.u8(0).counted("pc.ram").u8(0);
  for (uint64_t page : {0, 2})
    ranges.be64(page * kPage).be64(kPage);
  captures::CommandItem discard;
  discard.command = static_cast<uint16_t>(Command::postcopy_discard);
  discard.payload = ranges.done();
  for (int i = 0; i < 2; ++i) { // nothing is kept of later ones either
    pages.on_command(discard);
    CHECK_FALSE(pages.missing());
  }
  CHECK_FALSE(pages.not_followed()); // a stream that is cut says nothing
  pages.on_eof(0);
  CHECK_FALSE(pages.missing());
  REQUIRE(pages.not_followed());
  CHECK(pages.not_followed()->message.starts_with("postcopy discarded more "
                                                  "than 1 separate ranges"));
}

TEST_CASE("a range that goes beyond its block is cut there") {
  Files files;
  files.add("main", postcopy(UINT64_MAX).done());
  REQUIRE(errors(files.recording).size() == 1);
  CHECK(errors(files.recording)[0].starts_with("main: 7 pages"));
}

TEST_CASE("a channel of no bytes is an error") {
  Files files;
  StreamBuilder main = ram_start();
  files.add("main", list(main).end(0).eos().footer().eof().done());
  files.add("empty", {});
  CHECK(errors(files.recording) == Lines{kEmpty});
}

TEST_CASE("a preempt channel may never have been used") {
  Files files;
  files.add("main", postcopy(0).done());
  files.add("silent", {});
  CHECK(errors(files.recording).empty());
  files.add("empty", {});
  CHECK(errors(files.recording) == Lines{kEmpty});
}

TEST_CASE("a channel that the manifest counts has a file") {
  Files files;
  StreamBuilder main = ram_start();
  files.add("channel-0.zst", list(main).end(0).eos().footer().eof().done());
  captures::Manifest manifest;
  manifest.ended = ClockReading();
  for (int number : {0, 1, 2}) {
    captures::ChannelInfo channel;
    channel.number = number;
    channel.bytes = number == 2 ? 0 : 7;
    manifest.channels.push_back(channel);
  }
  files.add("channel-2.zst", {});
  files.recording.sessions.push_back({{}, manifest});
  CHECK(errors(files.recording) ==
        Lines{"channel-1.zst: it is not here, and 7 bytes went over it"});
}

TEST_CASE("a probe of the recorder's port is no channel of the migration") {
  auto channels = [](const StreamBuilder& main) {
    Files files;
    files.add("channel-0.zst", main.done());
    files.add("channel-1.zst", {});
    captures::Manifest manifest;
    manifest.ended = ClockReading();
    manifest.channels.resize(2);
    manifest.channels[0].bytes = main.size();
    manifest.channels[1].number = 1;
    files.recording.sessions.push_back({{}, manifest});
    CHECK(errors(files.recording).empty());
    ProblemLog log;
    return read_recording(files.recording, log)->channels;
  };
  StreamBuilder main = ram_start();
  CHECK(channels(list(main).end(0).eos().footer().eof()) == 1);
  CHECK(channels(postcopy(0)) == 2); // it may be a preempt channel
}

TEST_CASE("any page may be out of date where a multifd channel is cut") {
  std::string name = "stream-10.0-multifd-none.zst";
  auto stale = [&](size_t given, bool cut) {
    Files files;
    files.recording.channels.push_back(
        {name, std::filesystem::path(MIGSCOPE_FIXTURES) / name});
    for (uint8_t id = 0; id < given; ++id) {
      auto path = std::filesystem::path(MIGSCOPE_FIXTURES) /
                  fmt::format("channel-10.0-multifd-none-{}.zst", 1 - id);
      testing::Bytes bytes = testing::read_file(path);
      if (cut && id == 0)
        bytes.resize(bytes.size() / 2);
      files.add(fmt::format("{}.zst", id), bytes);
    }
    auto output = scratch_output(std::filesystem::temp_directory_path());
    REQUIRE(output);
    auto report = rebuild_memory(files.recording, **output);
    REQUIRE(report);
    const HeldPages& held = report->blocks.at(0).held;
    CHECK(held.zero + held.data > 0);
    return std::pair(held.perhaps_stale, held.zero + held.data);
  };
  CHECK(stale(2, false).first == 0);
  auto [cut, held] = stale(2, true);
  CHECK(cut == held);
  auto [missing, left] = stale(1, false); // number 0 is not given
  CHECK(missing == left);
}
