#include "tools/campaign/plan.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::tools;

namespace {

constexpr const char* kPlan = R"(
name = "mine"
seed = 7
repetitions = 3
workloads = ["game", "own"]
memory = ["256M"]
modes = ["precopy", "tuned"]
bandwidth = ["unlimited", "400Mbit/s"]

[workload.own]
words = "cold=10% hot=4M rate=5"

[mode.tuned]
capabilities = ["xbzrle=on"]
parameters = ["xbzrle-cache-size=1048576"]
postcopy_after = 2

[lab]
guest = "linux"
probe = "udp"
)";

Plan plan_of(const std::string& text) {
  auto plan = parse_plan(text, "plan.toml");
  if (!plan)
    FAIL(describe(plan.error()));
  return *plan;
}

} // namespace

TEST_CASE("a plan") {
  Plan plan = plan_of(kPlan);
  CHECK(plan.name == "mine");
  CHECK(plan.seed == 7);
  CHECK(plan.repetitions == 3);
  REQUIRE(plan.workloads.size() == 2);
  CHECK(plan.workloads[0].words.find("pattern=zipf") != std::string::npos);
  CHECK_FALSE(plan.workloads[0].source.empty());
  CHECK(plan.workloads[1].words == "cold=10% hot=4M rate=5");
  REQUIRE(plan.modes.size() == 2);
  CHECK_FALSE(plan.modes[0].postcopy_after);
  CHECK(plan.modes[1].capabilities == std::vector<std::string>{"xbzrle=on"});
  CHECK(plan.modes[1].postcopy_after == 2);
  CHECK_FALSE(plan.bandwidths[0].bytes_per_second);
  CHECK(plan.bandwidths[1].bytes_per_second == 50'000'000);
  CHECK(plan.lab.guest == "linux");
  CHECK_FALSE(plan.hooks);
}

TEST_CASE("what is kept of a plan is a plan, and the same one") {
  Plan plan = plan_of(kPlan);
  Plan again = plan_of(plan.given.dump_pretty());
  CHECK(again.given.dump() == plan.given.dump());
  CHECK(again.workloads[0].words == plan.workloads[0].words);
  CHECK(again.modes[1].postcopy_after == 2);
}

TEST_CASE("plans that come with the program") {
  CHECK(preset_names() == std::vector<std::string>{"game", "thesis", "video"});
  for (const std::string& name : preset_names()) {
    Plan plan = plan_of(std::string(*preset_plan(name)));
    CHECK(plan.name == name);
    for (const Workload& workload : plan.workloads)
      CHECK_FALSE(workload.source.empty());
  }
  CHECK_FALSE(preset_plan("modes"));
  CHECK_FALSE(preset_plan("nonsense"));
}

TEST_CASE("hooks") {
  Plan plan = plan_of("workloads = ['idle']\nmemory = ['1G']\n"
                      "modes = ['precopy']\n[hooks]\nsource = 'unix:/run/a'\n"
                      "migrate = 'true'\n");
  REQUIRE(plan.hooks);
  CHECK(plan.hooks->migrate == "true");
}

TEST_CASE("what is no plan says what was expected, and found") {
  const std::string good = "workloads = ['idle']\nmemory = ['1G']\n"
                           "modes = ['precopy']\n";
  struct Case {
    std::string text, says;
  };
  for (const auto& [text, says] :
       {Case{"[]", "line 1"},
        Case{"{", "JSON"},
        Case{"", "workloads"},
        Case{good + "seed = -1", "seed"},
        Case{good + "seed = 'x'", "\"x\""},
        Case{good + "repetitions = 0", "repetitions"},
        Case{good + "nonsense = 1", "nonsense: expected one of"},
        Case{good + "bandwidth = ['fast']", "\"fast\""},
        Case{good + "bandwidth = ['-1MB/s']", "-1MB/s"},
        Case{good + "bandwidth = ['0.000001Mbit/s']", "0.000001"},
        Case{good + "bandwidth = ['0.5Mbit/s']\n[lab]\nlink = true", "link"},
        Case{good + "[lab]\nguest = 'dos'", "lab.guest"},
        Case{good + "[lab]\nprobe = 'udp'", "lab.probe"},
        Case{good + "[lab]\nqemu = 3", "lab.qemu"},
        Case{good + "[hooks]\nsource = 'a'", "hooks.migrate"},
        Case{good + "[lab]\n[hooks]\nsource = 'a'\nmigrate = 'b'", "either"},
        Case{"workloads = ['no']\nmemory = ['1G']\nmodes = ['precopy']",
             "game"},
        Case{"workloads = ['idle']\nmemory = ['much']\nmodes = ['precopy']",
             "much"},
        Case{"workloads = ['idle']\nmemory = ['1G']\nmodes = ['no']",
             "precopy"},
        Case{"workloads = ['idle', 'idle']\nmemory = ['1G']\n"
             "modes = ['precopy']",
             "twice"},
        Case{"workloads = ['../x']\nmemory = ['1G']\nmodes = ['precopy']",
             "letters"},
        Case{"workloads = ['idle']\nmemory = ['1G']\nmodes = ['a.b']",
             "letters"},
        Case{good + "repetitions = 1000\nlimit_s = 0", "limit_s"}}) {
    CAPTURE(text);
    auto plan = parse_plan(text, "plan.toml");
    REQUIRE_FALSE(plan);
    CAPTURE(plan.error().message);
    CHECK(plan.error().where == "plan.toml");
    if (says != "JSON")
      CHECK(plan.error().message.find(says) != std::string::npos);
  }
}

TEST_CASE("sizes") {
  CHECK(parse_size("512") == 512u << 20); // as QEMU has it
  CHECK(parse_size("256M") == 256u << 20);
  CHECK(parse_size("2G") == uint64_t{2} << 30);
  for (const char* text : {"", "M", "1X", "1MM", "-1", "99999999999T"})
    CHECK_FALSE(parse_size(text));
}
