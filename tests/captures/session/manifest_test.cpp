#include "captures/session/manifest.h"

#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace migscope;
using namespace migscope::captures;
using qmp::Json;
using testing::TempDir;

namespace {

Manifest sample() {
  Manifest m;
  m.tool_version = "0.1.0";
  m.options = Json::object().set("verb", "record");
  m.started = {{11}, {22}};
  m.ended = ClockReading{{33}, {44}};
  m.source = EndInfo{"unix:/s.sock",
                     true,
                     {7, 2, 22, "Debian"},
                     Json::object().set("name", "vm"),
                     Json::object().set("max-bandwidth", uint64_t{1} << 60),
                     Json::array()};
  m.channels.push_back({0, 1000, 20, std::nullopt, Nanos(5)});
  m.channels.push_back({1, UINT64_MAX, 0, "No space left on device", Nanos(0)});
  m.outcome = "failed";
  m.outcome_detail = "it broke";
  return m;
}

// The sample's text with one replacement.
std::string edited(const TempDir& dir, std::string_view from,
                   std::string_view to) {
  REQUIRE(write_manifest(dir.path(), sample()));
  auto bytes = testing::read_file(dir / "session.json");
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

Error read_error(const std::filesystem::path& path) {
  auto manifest = read_manifest(path);
  REQUIRE_FALSE(manifest);
  return manifest.error();
}

} // namespace

TEST_CASE("a manifest comes back") {
  TempDir dir;
  REQUIRE(write_manifest(dir.path(), sample()));
  auto m = read_manifest(dir.path());
  REQUIRE(m);
  CHECK(m->tool_version == "0.1.0");
  CHECK(m->options.get("verb").as_string() == "record");
  CHECK(m->started.mono == MonoTime{11});
  CHECK(m->ended->wall == WallTime{44});
  REQUIRE(m->source);
  CHECK(m->source->local);
  CHECK(m->source->address == "unix:/s.sock");
  CHECK(m->source->version.micro == 22);
  CHECK(m->source->version.package == "Debian");
  CHECK(m->source->machine.get("name").as_string() == "vm");
  CHECK(m->source->parameters.get("max-bandwidth").as_uint() == uint64_t{1}
                                                                    << 60);
  CHECK(m->source->capabilities.is_array());
  CHECK_FALSE(m->destination);
  REQUIRE(m->channels.size() == 2);
  CHECK(m->channels[0].return_bytes == 20);
  CHECK(m->channels[0].stalled == Nanos(5));
  CHECK_FALSE(m->channels[0].store_error);
  CHECK(m->channels[1].number == 1);
  CHECK(m->channels[1].bytes == UINT64_MAX);
  CHECK(m->channels[1].store_error == "No space left on device");
  CHECK(m->outcome == "failed");
  CHECK(m->outcome_detail == "it broke");
}

TEST_CASE("a manifest is private and replaced as a whole") {
  TempDir dir;
  testing::write_file(dir / "session.json.new", testing::bytes_of("stale"));
  REQUIRE(write_manifest(dir.path(), Manifest{}));
  REQUIRE(write_manifest(dir.path(), sample()));
  CHECK(read_manifest(dir.path())->outcome == "failed");
  struct stat info {};
  REQUIRE(::stat((dir / "session.json").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK_FALSE(std::filesystem::exists(dir / "session.json.new"));
  CHECK_FALSE(write_manifest(dir / "missing", sample()));
}

TEST_CASE("a manifest of a running session") {
  TempDir dir;
  Manifest running;
  running.started = {{1}, {2}};
  REQUIRE(write_manifest(dir.path(), running));
  auto m = read_manifest(dir.path());
  REQUIRE(m);
  CHECK_FALSE(m->ended);
  CHECK(m->outcome.empty());
  CHECK(m->options.is_null());
}

TEST_CASE("what is no session is named") {
  TempDir dir;
  CHECK(read_error(dir.path()).message.find("without session.json") !=
        std::string::npos);
  testing::write_file(dir / "raw", testing::bytes_of("QEVM\0\0\0\3"));
  CHECK(read_error(dir / "raw").message.find("raw QEMU migration stream") !=
        std::string::npos);
  testing::write_file(dir / "file", testing::bytes_of("Q"));
  CHECK(read_error(dir / "file").message.starts_with("a file;"));
  CHECK(read_error(dir / "missing").kind == ErrorKind::io);
}

TEST_CASE("a newer format is named with what can be read") {
  TempDir dir;
  auto text = edited(dir, "\"format\": 1", "\"format\": 7");
  testing::write_file(dir / "session.json", testing::bytes_of(text));
  Error error = read_error(dir.path());
  CHECK(error.kind == ErrorKind::unsupported);
  CHECK(error.message ==
        "session format 7; 1 is the newest this version reads");
}

TEST_CASE("wrong types are malformed and named") {
  TempDir dir;
  struct Case {
    const char *from, *to, *message;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"\"local\": true", "\"local\": 1",
            "source.local: expected true or false"},
           {"\"bytes\": 1000", "\"bytes\": -1",
            "channels[].bytes: expected a number from 0 on"},
           {"\"number\": 1", "\"number\": 99999999999",
            "channels[].number: expected a channel's number"},
           {"\"mono_ns\": 11", "\"mono_ns\": \"11\"",
            "started.mono_ns: expected a time in ns"},
           {"\"mono_ns\": 11", "\"mono_ns\": -1",
            "started.mono_ns: expected a time in ns"},
           {"\"ended\": {", "\"ended\": 5, \"x\": {",
            "ended: expected an object"},
           {"\"format\": 1", "\"format\": null",
            "not a migscope session: no \"format\""},
           {"\"major\": 7", "\"major\": \"x\"",
            "source.version: expected a QEMU version"},
           {"\"channels\": [", "\"channels\": 1, \"x\": [",
            "channels: expected an array"}}) {
    auto text = edited(dir, c.from, c.to);
    testing::write_file(dir / "session.json", testing::bytes_of(text));
    Error error = read_error(dir.path());
    CHECK(error.kind == ErrorKind::malformed);
    CHECK(error.message == c.message);
    CHECK(error.where == (dir / "session.json").string());
  }
}

TEST_CASE("text that is cut off or too long") {
  TempDir dir;
  std::string text = edited(dir, "failed", "failed");
  for (size_t size = 0; size + 2 < text.size(); size += 7) {
    testing::write_file(dir / "session.json",
                        testing::bytes_of(text).first(size));
    CHECK(read_error(dir.path()).kind == ErrorKind::malformed);
  }
  text.resize(9u << 20, ' ');
  testing::write_file(dir / "session.json", testing::bytes_of(text));
  CHECK(read_error(dir.path()).kind == ErrorKind::malformed);
}
