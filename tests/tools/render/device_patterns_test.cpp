// Patterns that match nothing are told.
#include "tools/render/device_patterns.h"

#include "tests/analyzer/devices/streams.h"

using namespace migscope;
using namespace migscope::test;
using namespace migscope::analyzer;
using namespace migscope::tools;

namespace {

constexpr std::string_view kFields = R"("fields": [
    {"name": "env.eip", "type": "uint8", "size": 1},
    {"name": "level", "array_len": 2, "type": "uint8", "size": 1}])";

std::optional<std::string> nothing(const DevicePatterns& patterns,
                                   size_t captures = 1) {
  std::vector<DeviceStates> states;
  for (size_t i = 0; i < captures; ++i) {
    auto out = read_devices(one_device(StreamBuilder().u8(1).u8(2).u8(3))
                                .description(described(kFields)));
    REQUIRE(out);
    states.push_back(std::move(*out));
  }
  return what_matches_nothing(states, patterns);
}

} // namespace

TEST_CASE("patterns that match") {
  CHECK_FALSE(nothing({}));
  for (const char* device : {"d", "bus/d", "bus*", "*/d"})
    CHECK_FALSE(nothing({device, ""}));
  for (const char* field : {"env.eip", "eip", "*.eip", "level", "level[1]"})
    CHECK_FALSE(nothing({"", field}));
}

TEST_CASE("patterns that match nothing, with what is near") {
  CHECK(nothing({"bis/*", "eip"}) ==
        "--device \"bis/*\" matches none of 1 devices; near: bus/d");
  CHECK(nothing({"e", ""}, 2) ==
        "--device \"e\" matches none of 2 devices; near: bus/d");
  CHECK(nothing({"d", "eop"}) == "--field \"eop\" matches none of 2 fields of "
                                 "1 devices; near: env.eip, level");
  CHECK(nothing({"", "level[2]"}));
}
