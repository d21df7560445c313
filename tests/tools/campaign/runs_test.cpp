#include "tools/campaign/runs.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <set>

using namespace migscope;
using namespace migscope::tools;

namespace {

Plan plan_of(const std::string& more) {
  auto plan = parse_plan("workloads = ['game', 'video']\n"
                         "memory = ['256M', '512M']\n"
                         "modes = ['precopy', 'hybrid']\n"
                         "bandwidth = ['1Gbit/s']\nrepetitions = 5\n" +
                             more,
                         "plan");
  REQUIRE(plan);
  return *plan;
}

std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> out;
  for (const RunSpec& run : ordered_runs(plan))
    out.push_back(run_id(plan, run));
  return out;
}

bool has(const std::vector<std::string>& words, const std::string& option,
         const std::string& value) {
  for (size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == option && words[i + 1] == value)
      return true;
  return false;
}

} // namespace

TEST_CASE("each run once, under a name of its own") {
  Plan plan = plan_of("");
  auto all = ids(plan);
  CHECK(all.size() == 2 * 2 * 2 * 5);
  CHECK(std::set(all.begin(), all.end()).size() == all.size());
  CHECK(std::ranges::count(all, "game.256M.precopy.1Gbit-s.r1") == 1);
}

TEST_CASE("the order is the seed's") {
  CHECK(ids(plan_of("seed = 1")) == ids(plan_of("seed = 1")));
  CHECK(ids(plan_of("seed = 1")) != ids(plan_of("seed = 2")));
  // It is mixed: no cell is made in one go.
  auto all = ids(plan_of("seed = 1"));
  size_t neighbours = 0;
  for (size_t i = 1; i < all.size(); ++i)
    neighbours += all[i].substr(0, all[i].size() - 1) ==
                  all[i - 1].substr(0, all[i - 1].size() - 1);
  CHECK(neighbours < all.size() / 3);
}

TEST_CASE("parts of the guest's memory") {
  CHECK(workload_words("cold=50% hot=12% rate=5", "256M") ==
        "cold=134217728 hot=32210944 rate=5");
  CHECK(workload_words("phases=1s:hot=10%,rate=2;loop hot=100%", "1M") ==
        "phases=1s:hot=102400,rate=2;loop hot=1048576");
  CHECK(workload_words("% a% 999% x", "256M") == "% a% 999% x");
}

TEST_CASE("what the lab is called with") {
  Plan plan = plan_of("limit_s = 30\n[lab]\nguest = 'linux'\nprobe = 'icmp'\n"
                      "qemu_args = ['-cpu', 'max']");
  RunSpec run{1, 0, 1, 0, 2};
  auto words = lab_arguments(plan, run, "part");
  CHECK(words[0] == "lab");
  CHECK(has(words, "-o", "part"));
  CHECK(has(words, "--memory", "256M"));
  CHECK(has(words, "--postcopy-after", "1"));
  CHECK(has(words, "--parameter", "max-bandwidth=125000000"));
  CHECK(has(words, "--parameter", "max-postcopy-bandwidth=125000000"));
  CHECK(has(words, "--limit", "30"));
  CHECK(has(words, "--guest", "linux"));
  CHECK(has(words, "--probe", "icmp"));
  CHECK(has(words, "--qemu-arg", "-cpu"));
  CHECK(std::ranges::count(words, "--no-capture") == 1);
  Plan linked = plan_of("[lab]\nlink = true");
  words = lab_arguments(linked, run, "part");
  CHECK(has(words, "--link", "1000"));
  CHECK(has(words, "--parameter", "max-bandwidth=0"));
  CHECK(has(words, "--parameter", "max-postcopy-bandwidth=0"));
  auto precopy = lab_arguments(plan, {1, 0, 0, 0, 2}, "part");
  CHECK_FALSE(has(precopy, "--postcopy-after", "1"));
  CHECK_FALSE(has(precopy, "--parameter", "max-postcopy-bandwidth=125000000"));
}
