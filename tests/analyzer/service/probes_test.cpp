#include "analyzer/service/probes.h"
#include "tests/support/temp_dir.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::ProbeMark;

namespace {

using Kind = ProbeMark::Kind;

Result<ProbeSeries> read_back(const std::vector<ProbeMark>& marks,
                              std::optional<Error>& torn) {
  testing::TempDir directory;
  auto path = directory.path() / "probes.jsonl.zst";
  auto log = captures::ProbeLogWriter::create(
      path, {"icmp:guest", std::chrono::milliseconds(2), 84});
  REQUIRE(log);
  for (const ProbeMark& mark : marks)
    REQUIRE((*log)->append(mark));
  REQUIRE((*log)->close());
  return read_probes(path, &torn);
}

} // namespace

TEST_CASE("what is written is read") {
  std::optional<Error> torn;
  auto series = read_back({{{10}, Kind::sent, 0},
                           {{20}, Kind::sent, 1},
                           {{21}, Kind::answered, 1},
                           {{25}, Kind::answered, 0},
                           {{26}, Kind::answered, 0},
                           {{30}, Kind::sent, 2},
                           {{30}, Kind::failed, 2, "Network is down"}},
                          torn);
  REQUIRE(series);
  CHECK_FALSE(torn);
  CHECK(series->setup.target == "icmp:guest");
  CHECK(series->setup.interval == std::chrono::milliseconds(2));
  CHECK(series->setup.bytes == 84);
  REQUIRE(series->probes.size() == 3);
  CHECK(series->probes[0].answered->ns == 25);
  CHECK_FALSE(series->probes[2].answered);
  REQUIRE(series->answers.size() == 2);
  CHECK(series->answers[0].second == 1);
  CHECK(series->duplicates == 1);
  CHECK(series->failures == 1);
  CHECK(series->failure == "Network is down");
}

TEST_CASE("marks that fit to no probe are told and passed over") {
  std::optional<Error> torn;
  auto series = read_back({{{10}, Kind::sent, 0},
                           {{12}, Kind::sent, 7},
                           {{13}, Kind::answered, 5},
                           {{9}, Kind::sent, 1},
                           {{14}, Kind::answered, 0}},
                          torn);
  REQUIRE(series);
  REQUIRE(torn);
  CHECK(torn->message.starts_with("3 marks are of no probe"));
  CHECK(series->probes.size() == 1);
  CHECK(series->answers.size() == 1);
}

TEST_CASE("a stamp before the sending is taken as the sending") {
  std::optional<Error> torn;
  auto series =
      read_back({{{10}, Kind::sent, 0}, {{8}, Kind::answered, 0}}, torn);
  REQUIRE(series);
  CHECK(series->probes[0].answered->ns == 10);
}

TEST_CASE("a log without its first line") {
  testing::TempDir directory;
  auto path = directory.path() / "probes.jsonl.zst";
  auto log = captures::LineLogWriter::create(path);
  REQUIRE(log);
  REQUIRE((*log)->append(R"({"ns":5,"sent":0})"));
  REQUIRE((*log)->close());
  std::optional<Error> torn;
  auto series = read_probes(path, &torn);
  REQUIRE_FALSE(series);
  CHECK(series.error().where == path.string());
}
