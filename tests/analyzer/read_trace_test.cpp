#include "analyzer/read_trace.h"

#include "captures/session/channel_writer.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <fstream>
#include <random>

using namespace migscope;
using namespace migscope::analyzer;
using captures::End;

namespace {

namespace fs = std::filesystem;

struct Log {
  testing::TempDir dir;
  fs::path path = dir / "qemu-source.log.zst";
  captures::Recording recording;
  Input input;

  Log() { recording.source_log = path; }
  // Chunks, 10 ms apart from 1 s on.
  void write(const std::vector<std::string>& chunks) const {
    auto writer = captures::ChannelWriter::create(path);
    REQUIRE(writer);
    MonoTime at{1'000'000'000};
    for (const std::string& chunk : chunks) {
      (void)(*writer)->append(std::as_bytes(std::span(chunk)), at);
      at = at + std::chrono::milliseconds(10);
    }
    REQUIRE((*writer)->close());
  }
  void trace_was_asked_for() {
    recording.sessions.emplace_back().manifest.options =
        qmp::Json::object().set("trace", true);
  }
  std::optional<TraceMarks> read() {
    return read_trace(recording, End::source, input);
  }
  [[nodiscard]] bool told(size_t problem, std::string_view text) const {
    return input.problems.size() > problem &&
           input.problems[problem].channel == "qemu-source.log.zst" &&
           input.problems[problem].message.find(text) != std::string::npos;
  }
};

const std::string kStop = "7@1795647798.816898:vmstate_downtime_checkpoint "
                          "src-vm-stopped\n";

} // namespace

TEST_CASE("a line arrives with its last byte") {
  Log log;
  log.write({"qemu-system-x86_64: warning: something\n7@17956477",
             "98.816898:vmstate_downtime_checkpoint src-vm-stopped\n" + kStop,
             kStop});
  auto marks = log.read();
  REQUIRE(marks);
  CHECK(log.input.problems.empty());
  REQUIRE(marks->checkpoints.size() == 3);
  CHECK(marks->checkpoints[0].mark.emitted ==
        WallTime{1'795'647'798'816'898'000});
  CHECK(marks->checkpoints[0].mark.arrival == MonoTime{1'010'000'000});
  CHECK(marks->checkpoints[1].mark.arrival == MonoTime{1'010'000'000});
  CHECK(marks->checkpoints[2].mark.arrival == MonoTime{1'020'000'000});
}

TEST_CASE("an end without log has no trace") {
  Log log;
  log.write({kStop});
  CHECK_FALSE(read_trace(log.recording, End::destination, log.input));
  CHECK(log.input.problems.empty());
}

TEST_CASE("lines without times are told of") {
  Log log;
  log.write({"vm_stop_flush_all ret 0\n" + kStop});
  auto marks = log.read();
  REQUIRE(marks);
  CHECK_FALSE(marks->checkpoints[0].mark.emitted == std::nullopt);
  CHECK(log.told(0, "1 of 2 trace lines have no time"));
  CHECK(log.input.complete);
}

TEST_CASE("what cannot be read is counted") {
  Log log;
  log.write({kStop + "vmstate_downtime_save something new\nram_save_page x\n" +
             std::string(100'000, '\0') + "\n" + kStop + "vm_stop_fl"});
  auto marks = log.read();
  REQUIRE(marks);
  CHECK(marks->checkpoints.size() == 2);
  CHECK(log.told(0, "1 of 3 trace lines say what cannot be read"));
  CHECK(log.input.problems[0].offset == kStop.size());
  CHECK(log.told(1, "have no time"));
  CHECK(log.told(2, "the last line is cut off"));
}

TEST_CASE("a log without trace is a problem where trace was asked for") {
  Log log;
  log.write({"qemu-system-x86_64: terminating on signal 15\n"});
  CHECK_FALSE(log.read());
  CHECK(log.input.problems.empty());
  log.trace_was_asked_for();
  CHECK_FALSE(log.read());
  CHECK(log.told(0, "no trace line in it"));
}

TEST_CASE("a log that is torn is read up to there") {
  Log log;
  log.write({kStop, std::string(1u << 20, 'x'), kStop});
  fs::resize_file(log.path, fs::file_size(log.path) / 2);
  (void)log.read();
  CHECK_FALSE(log.input.complete);
  CHECK(log.input.problems[0].channel == "qemu-source.log.zst");
}

TEST_CASE("a log that is none, or of another writer") {
  Log log;
  std::ofstream(log.path) << "no zstd file";
  CHECK_FALSE(log.read());
  CHECK_FALSE(log.input.complete);
}

TEST_CASE("any bytes are taken as a log") {
  std::mt19937 random(3);
  Log log;
  std::vector<std::string> chunks(50);
  for (std::string& chunk : chunks) {
    chunk = kStop + kStop;
    for (int i = 0; i < 20; ++i)
      chunk[random() % chunk.size()] = static_cast<char>(random());
  }
  log.write(chunks);
  (void)log.read();
  CHECK(log.input.complete);
}
