#include "captures/session/monitor_log.h"

#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

using namespace migscope;
using namespace migscope::captures;
using testing::TempDir;

namespace {

MonitorLine line(std::string text, int64_t ns = 1) {
  return {{{ns}, {ns + 1'700'000'000'000'000'000}},
          End::source,
          qmp::Direction::received,
          std::move(text)};
}

struct Log {
  std::vector<MonitorLine> lines;
  std::optional<Error> torn;
};

Log read(const std::filesystem::path& path) {
  Log log;
  auto ok = read_monitor_log(
      path, [&](const MonitorLine& l) { log.lines.push_back(l); }, &log.torn);
  CHECK(ok);
  return log;
}

void write(const std::filesystem::path& path,
           const std::vector<MonitorLine>& lines) {
  auto writer = MonitorLogWriter::create(path);
  REQUIRE(writer);
  for (const auto& l : lines)
    CHECK((*writer)->append(l));
  CHECK((*writer)->close());
}

std::string unpack(const std::filesystem::path& path) {
  auto file = testing::read_file(path);
  std::string out(1u << 20, '\0');
  size_t n = ZSTD_decompress(out.data(), out.size(), file.data(), file.size());
  REQUIRE_FALSE(ZSTD_isError(n));
  return out.substr(0, n);
}

void pack(const std::filesystem::path& path, std::string_view text) {
  testing::Bytes out(ZSTD_compressBound(text.size()));
  out.resize(
      ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  testing::write_file(path, out);
}

constexpr const char* kHead =
    R"({"ns":1,"wall_ns":2,"end":"source","dir":"received",)";

} // namespace

TEST_CASE("lines come back byte for byte") {
  const std::string deepest =
      R"({"a":)" + std::string(127, '[') + std::string(127, ']') + "}";
  const std::vector<std::string> texts{
      R"({"return": {}, "id":  1})",
      R"({"event":"STOP","x":"\u00e4 \"message\": {}"}  )",
      R"({"big":18446744073709551615,"e":1e2,"d":1.0})",
      "plain text",
      R"(a "message":{} in text)",
      R"([1,2])",
      "\"text\"",
      "{\"cut\":",
      "{\"a\":\n1}",
      "",
      std::string("nul\0and \x01\x7f", 9),
      "\xff\xfe no UTF-8",
      "{\"bad\":\"\xff\"}",
      deepest,
  };
  TempDir dir;
  std::vector<MonitorLine> lines;
  for (const auto& text : texts)
    lines.push_back(line(text));
  write(dir / "m.zst", lines);
  Log log = read(dir / "m.zst");
  CHECK_FALSE(log.torn);
  REQUIRE(log.lines.size() == texts.size());
  for (size_t i = 0; i < texts.size(); i++) {
    CHECK(log.lines[i].text == texts[i]);
  }
}

TEST_CASE("the layout of a line") {
  TempDir dir;
  MonitorLine sent{
      {{7}, {8}}, End::destination, qmp::Direction::sent, R"({"a": 1})"};
  write(dir / "m.zst", {sent, line("no\tjson", 9)});
  CHECK(unpack(dir / "m.zst") ==
        R"({"ns":7,"wall_ns":8,"end":"destination","dir":"sent",)"
        R"("message":{"a": 1}})"
        "\n"
        R"({"ns":9,"wall_ns":1700000000000000009,"end":"source",)"
        R"("dir":"received","text":"no\tjson"})"
        "\n");
  Log log = read(dir / "m.zst");
  REQUIRE(log.lines.size() == 2);
  CHECK(log.lines[0].time.mono == MonoTime{7});
  CHECK(log.lines[0].time.wall == WallTime{8});
  CHECK(log.lines[0].end == End::destination);
  CHECK(log.lines[0].direction == qmp::Direction::sent);
}

TEST_CASE("a time that no clock shows is damage") {
  for (const char* times : {R"("ns":-1,"wall_ns":2)", R"("ns":1,"wall_ns":-2)",
                            R"("ns":9223372036854775807,"wall_ns":2)"}) {
    CAPTURE(times);
    TempDir dir;
    pack(dir / "m.zst", std::string("{") + times +
                            R"(,"end":"source","dir":"sent","text":"x"})" +
                            "\n");
    Log log = read(dir / "m.zst");
    CHECK(log.torn);
    CHECK(log.lines.empty());
  }
}

TEST_CASE("the log is private, never replaced, and a zstd file when empty") {
  TempDir dir;
  write(dir / "m.zst", {});
  struct stat info {};
  REQUIRE(::stat((dir / "m.zst").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(unpack(dir / "m.zst").empty());
  CHECK_FALSE(read(dir / "m.zst").torn);
  CHECK_FALSE(MonitorLogWriter::create(dir / "m.zst"));
}

TEST_CASE("what was flushed is there without close") {
  TempDir dir;
  auto writer = MonitorLogWriter::create(dir / "m.zst");
  REQUIRE(writer);
  CHECK((*writer)->append(line("one")));
  CHECK(read(dir / "m.zst").torn); // nothing in it yet
  CHECK((*writer)->flush());
  CHECK((*writer)->flush()); // nothing new
  Log log = read(dir / "m.zst");
  CHECK(log.lines.size() == 1);
  CHECK_FALSE(log.torn);
  std::string large(1u << 20, 'x');
  CHECK((*writer)->append(line(large)));
  CHECK(read(dir / "m.zst").lines.size() == 2); // memory stays bounded
}

TEST_CASE("a log cut at any byte gives the complete lines") {
  TempDir dir;
  auto writer = MonitorLogWriter::create(dir / "m.zst");
  REQUIRE(writer);
  std::vector<size_t> frame_ends;
  for (int i = 0; i < 4; i++) {
    CHECK((*writer)->append(line(R"({"event":"A"})", i)));
    CHECK((*writer)->append(line("x", i)));
    CHECK((*writer)->flush());
    frame_ends.push_back(std::filesystem::file_size(dir / "m.zst"));
  }
  auto file = testing::read_file(dir / "m.zst");
  for (size_t size = 0; size <= file.size(); size++) {
    CAPTURE(size);
    testing::write_file(dir / "cut.zst", std::span(file).first(size));
    Log log = read(dir / "cut.zst");
    size_t frames = 0;
    while (frames < frame_ends.size() && frame_ends[frames] <= size)
      frames++;
    CHECK(log.lines.size() >= 2 * frames);
    CHECK(log.lines.size() <= 2 * frames + 2);
    bool at_end = frames > 0 && frame_ends[frames - 1] == size;
    CHECK(log.torn.has_value() == !at_end);
    if (log.torn)
      CHECK(log.torn->kind == ErrorKind::truncated);
  }
}

TEST_CASE("any changed byte of a log gives a clean answer") {
  TempDir dir;
  std::vector<MonitorLine> lines;
  for (int i = 0; i < 20; i++)
    lines.push_back(line(R"({"event":"MIGRATION_PASS","n":)" +
                             std::to_string(i * 7919) + "}",
                         i));
  write(dir / "m.zst", lines);
  const auto file = testing::read_file(dir / "m.zst");
  size_t untold = 0; // in bits that zstd does not use
  for (size_t at = 0; at < file.size(); at++) {
    for (int change : {0x01, 0x10, 0x80, 0xff}) {
      auto changed = file;
      changed[at] ^= static_cast<std::byte>(change);
      testing::write_file(dir / "x.zst", changed);
      std::optional<Error> torn;
      size_t right = 0;
      auto compare = [&](const MonitorLine& l) {
        right += right < lines.size() && l.text == lines[right].text;
      };
      auto ok = read_monitor_log(dir / "x.zst", compare, &torn);
      if (!ok || torn)
        continue;
      untold++;
      CHECK(right == 20);
    }
  }
  CHECK(untold < 10);
}

TEST_CASE("damaged and foreign lines") {
  TempDir dir;
  const std::string good = std::string(kHead) + R"("message":{}})" + "\n";
  for (const char* bad :
       {"{}", "", "null", R"("message":)", R"("message":{}})",
        R"({"ns":1,"wall_ns":2,"end":"nobody","dir":"sent","text":""})",
        R"({"ns":1,"wall_ns":2,"end":"source","dir":"up","text":""})",
        R"({"ns":"1","wall_ns":2,"end":"source","dir":"sent","text":""})",
        R"({"ns":1,"wall_ns":2,"end":"source","dir":"sent","hex":"0"})",
        R"({"ns":1,"wall_ns":2,"end":"source","dir":"sent","hex":"+1"})",
        R"({"ns":1,"wall_ns":2,"end":"source","dir":"sent","message":1})",
        R"({"ns":1,"wall_ns":2,"end":"source","dir":"sent"})"}) {
    CAPTURE(bad);
    pack(dir / "m.zst", good + bad + "\n" + good);
    Log log = read(dir / "m.zst");
    CHECK(log.lines.size() == 1);
    REQUIRE(log.torn);
    CHECK(log.torn->kind == ErrorKind::malformed);
    CHECK(log.torn->message.starts_with("after line 1: "));
  }
  pack(dir / "spaced.zst", R"({"ns": 1, "wall_ns": 2, "end": "source", )"
                           R"("dir": "sent", "message": {"a": 1} })"
                           "\n");
  Log spaced = read(dir / "spaced.zst");
  REQUIRE(spaced.lines.size() == 1);
  CHECK(spaced.lines[0].text == R"({"a": 1})");
}

TEST_CASE("a log that unpacks without end is read in bounded memory") {
  TempDir dir;
  pack(dir / "m.zst", std::string(128u << 20, ' '));
  Log log = read(dir / "m.zst");
  REQUIRE(log.torn);
  CHECK(log.torn->kind == ErrorKind::malformed);
}

TEST_CASE("what is no log") {
  TempDir dir;
  testing::write_file(dir / "raw", testing::bytes_of("{\"ns\":1}\n"));
  std::optional<Error> torn;
  auto nothing = [](const MonitorLine&) {};
  CHECK_FALSE(read_monitor_log(dir / "raw", nothing, &torn));
  CHECK_FALSE(read_monitor_log(dir / "missing", nothing, nullptr));
}
