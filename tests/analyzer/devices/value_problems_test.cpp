#include "captures/stream/limits.h"
#include "tests/analyzer/devices/streams.h"

using namespace migscope;
using namespace migscope::analyzer;
using test::StreamBuilder;

namespace {

constexpr std::string_view kMembers =
    R"("fields": [{"name": "armed", "type": "bool", "size": 1},
                  {"name": "level", "type": "uint8", "size": 1}])";

std::vector<Problem> check(uint8_t armed) {
  StreamBuilder body;
  StreamBuilder stream = test::one_device(body.u8(armed).u8(200));
  stream.description(test::described(kMembers));
  auto states = test::read_devices(stream);
  REQUIRE(states);
  return value_problems(*states);
}

} // namespace

TEST_CASE("a field that cannot be what it claims to be is named") {
  CHECK(check(1).empty());
  std::vector<Problem> problems = check(7);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].severity == Severity::error);
  CHECK(problems[0].channel == "main");
  // Behind the file header, the configuration and the section's header.
  CHECK(problems[0].offset == 8 + 9 + 19);
  CHECK(problems[0].message.starts_with("device bus/d/3, field armed: "));
}

TEST_CASE("of many such fields some are named and all are counted") {
  constexpr size_t kMost = captures::limits::kMaxProblems;
  StreamBuilder stream;
  stream.header().configuration("pc-1");
  for (size_t i = 0; i < kMost + 5; ++i)
    stream.full(7, "bus/d", 2, 3).u8(7).u8(200).footer();
  stream.eof().description(test::described(kMembers));
  auto states = test::read_devices(stream);
  REQUIRE(states);
  std::vector<Problem> problems = value_problems(*states);
  REQUIRE(problems.size() == kMost + 1);
  CHECK(problems.back().severity == Severity::error);
  CHECK(problems.back().message == "5 more problems of devices, not told");
}
