#include "captures/process_threads.h"

#include "captures/thread_watch.h"
#include "tests/support/temp_dir.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>

using namespace migscope;
using namespace migscope::captures;
using namespace std::chrono_literals;

TEST_CASE("a thread's stat is read whatever its name") {
  const std::string_view rest =
      " R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 12345";
  for (std::string name : {"mig/src/main", "CPU 0/TCG", "a) R 1", "", ")("}) {
    CAPTURE(name);
    auto thread = parse_thread(7, "7 (" + name + ")" + std::string(rest), "");
    REQUIRE(thread);
    CHECK(thread->tid == 7);
    CHECK(thread->name == name);
    CHECK(thread->state == 'R');
    // 300 ticks
    CHECK(thread->cpu == 300 * (1'000'000'000ns / sysconf(_SC_CLK_TCK)));
    CHECK(thread->queued == 0ns);
  }
}

TEST_CASE("the scheduler's own figures are preferred") {
  auto thread = parse_thread(1, "1 (x) S 1 2 3 4 5 6 7 8 9 10 1 1 0",
                             "123456789 4321 99");
  REQUIRE(thread);
  CHECK(thread->cpu == 123456789ns);
  CHECK(thread->queued == 4321ns);
}

TEST_CASE("what is no stat is refused") {
  for (const char* stat :
       {"", "1", "1 x S", ")(", "1 (x", "1 (x) S 1 2 3",
        "1 (x) S 1 2 3 4 5 6 7 8 9 10 -1 1", "1 (x) S 1 2 3 4 5 6 7 8 9 10 1",
        "1 (x) S 1 2 3 4 5 6 7 8 9 10 9223372036854775807 1"})
    CHECK_FALSE(parse_thread(1, stat, ""));
}

TEST_CASE("a thread of this process that spins is seen to") {
  std::atomic<bool> end = false;
  std::thread spinner([&] {
    prctl(PR_SET_NAME, "spinner");
    while (!end) {
    }
  });
  auto time_of_spinner = [] {
    auto threads = process_threads(getpid());
    REQUIRE(threads);
    auto found =
        std::find_if(threads->begin(), threads->end(),
                     [](const auto& t) { return t.name == "spinner"; });
    return found == threads->end() ? 0ns : found->cpu + found->queued;
  };
  auto deadline = std::chrono::steady_clock::now() + 30s;
  while (time_of_spinner() < 50ms &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(5ms);
  CHECK(time_of_spinner() >= 50ms);
  end = true;
  spinner.join();
}

TEST_CASE("a process that is not there is told of once") {
  CHECK_FALSE(process_threads(0));
  testing::TempDir dir;
  int told = 0;
  ThreadWatch watch(dir / "threads", [&](const std::string&) { ++told; });
  watch.watch(End::source, 0);
  watch.watch(End::destination, getpid());
  watch.sample({1});
  watch.sample({2});
  watch.flush();
  CHECK(told == 1);
  std::vector<ThreadSample> samples;
  CHECK(read_thread_log(
      dir / "threads", [&](const auto& s) { samples.push_back(s); }, nullptr));
  REQUIRE(samples.size() == 2);
  CHECK(samples[0].end == End::destination);
  CHECK(samples[1].time.ns == 2);
  CHECK(samples[0].pid == getpid());
  CHECK_FALSE(samples[0].threads.empty());
}
