#include "analyzer/guest_pause.h"

#include "analyzer/downtime.h"
#include "captures/session/channel_writer.h"
#include "tests/analyzer/events.h"
#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fstream>

using namespace migscope;
using namespace migscope::analyzer;
using migscope::testing::at_ms;

namespace {

using Beats = std::vector<Heartbeat>;

Heartbeat beat(uint64_t count, double guest_ms, double arrival_ms) {
  return {count, Nanos(static_cast<int64_t>(guest_ms * 1e6)),
          at_ms(arrival_ms)};
}

// Every 2 ms of the guest, whose clock `ahead` ms less than ours shows; each
// takes `way` ms, the third 0.1 ms.
Beats beats(uint64_t first, int count, double ahead, double way) {
  Beats out;
  for (int i = 0; i < count; ++i) {
    auto number = first + static_cast<uint64_t>(i);
    double guest = 2.0 * static_cast<double>(number);
    out.push_back(beat(number, guest, guest + ahead + (i == 2 ? 0.1 : way)));
  }
  return out;
}

struct Said {
  std::string text;
  double ms;
};

// A console's file of these pieces.
class Log {
public:
  explicit Log(const std::vector<Said>& pieces) {
    auto writer = captures::ChannelWriter::create(path);
    REQUIRE(writer);
    for (const Said& piece : pieces)
      CHECK((*writer)->append(std::as_bytes(std::span(piece.text)),
                              at_ms(piece.ms)));
    REQUIRE((*writer)->close());
  }

  [[nodiscard]] Beats read(Nearest which) {
    auto out = read_heartbeats(path, which, &torn);
    REQUIRE(out);
    return *out;
  }

  testing::TempDir directory;
  std::filesystem::path path = directory / "guest.log.zst";
  std::optional<Error> torn;
};

} // namespace

TEST_CASE("the pause is by how much more the quickest lines are late") {
  auto out = guest_pause(beats(100, 10, 1000, 0.3), beats(111, 9, 1031.5, 0.5));
  REQUIRE(out);
  CHECK(out->ms == doctest::Approx(31.5));
  CHECK(out->error_ms == doctest::Approx(0.2 + 0.4));
  CHECK(out->last_before == at_ms(218 + 1000.3));
  CHECK(out->first_after == at_ms(222 + 1031.5 + 0.5));
}

TEST_CASE("few heartbeats give a pause without an error") {
  auto out = guest_pause(beats(100, 7, 1000, 0.1), beats(107, 9, 1020, 0.1));
  REQUIRE(out);
  CHECK(out->ms == doctest::Approx(20));
  CHECK_FALSE(out->error_ms);
}

TEST_CASE("no pause where one end is silent or they do not follow") {
  Beats some = beats(100, 10, 1000, 0.1);
  CHECK_FALSE(guest_pause(some, {}));
  CHECK_FALSE(guest_pause({}, some));
  CHECK_FALSE(guest_pause(some, some)); // another guest
}

TEST_CASE("a heartbeat comes with the first byte of its line") {
  Log log(
      {{"READY x\nHB 1 10", 1000}, {"00\nHB 2", 1001}, {" 2000\nHB", 1002}});
  Beats out = log.read(Nearest::last);
  CHECK_FALSE(log.torn);
  REQUIRE(out.size() == 2);
  CHECK((out[0].count == 1 && out[1].count == 2));
  CHECK(out[0].guest == std::chrono::microseconds(1000));
  CHECK(out[0].arrival == at_ms(1000));
  CHECK(out[1].arrival == at_ms(1001));
}

TEST_CASE("those nearest to the migration are taken") {
  std::vector<Said> lines;
  for (int i = 1; i <= 100; ++i)
    lines.push_back({fmt::format("HB {} {}\n", i, i * 2000), 1000 + 2.0 * i});
  Log log(lines);
  Beats first = log.read(Nearest::first), last = log.read(Nearest::last);
  CHECK((first.size() == 32 && last.size() == 32));
  CHECK((first.front().count == 1 && first.back().count == 32));
  CHECK((last.front().count == 69 && last.back().count == 100));
}

TEST_CASE("what is no heartbeat is passed over") {
  for (const char* line :
       {"B 7 2000", " 2000", "HB", "HB 7", "HB 7 ", "HB 7 x", "HB 7 2000 1",
        "HB -7 2000", "HB 7 -1", "HB7 2000", "HB 7 99999999999999999999",
        "HB 7 18446744073709551615", "STATS 7 2000", "\xff\xfe"}) {
    CAPTURE(line);
    CHECK(Log({{line + std::string("\n"), 1000}}).read(Nearest::last).empty());
  }
  std::string endless(3 << 20, '1');
  CHECK(Log({{"HB " + endless + "\nHB 1 1000\n", 1000}})
            .read(Nearest::first)
            .size() == 1);
}

TEST_CASE("a damaged console is read as far as it goes") {
  Log log({{"HB 1 1000\nHB 2 3000\n", 1000}});
  std::filesystem::resize_file(log.path,
                               std::filesystem::file_size(log.path) - 20);
  CHECK(log.read(Nearest::last).size() == 2); // the table is gone
  CHECK(log.torn.has_value());
  std::ofstream(log.path) << "no zstd";
  CHECK_FALSE(read_heartbeats(log.path, Nearest::last, &log.torn));
}

TEST_CASE("a pause that is not STOP to RESUME is told with its heartbeats") {
  PauseMarks marks;
  marks.stop = at_ms(1000);
  marks.resume = at_ms(1020);
  Downtime downtime;
  downtime.total_ms = 20;
  CHECK(guest_difference(downtime, marks).empty());
  downtime.guest = {21.4, 0.5, at_ms(998), at_ms(1021)};
  CHECK(guest_difference(downtime, marks).empty());
  downtime.guest->ms = 25;
  CHECK(guest_difference(downtime, marks) ==
        "the guest's clock stood still for 25.0 ms, 5.0 ms longer than STOP to "
        "RESUME: its vCPUs were stopped before STOP was said, or started only "
        "later after RESUME; its last heartbeat came 2.0 ms before STOP, the "
        "next one 1.0 ms after RESUME");
  downtime.guest->ms = 12;
  CHECK(guest_difference(downtime, marks).find("8.0 ms shorter") !=
        std::string::npos);
  downtime.guest->error_ms = {};
  CHECK(guest_difference(downtime, marks).empty());
}
