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
