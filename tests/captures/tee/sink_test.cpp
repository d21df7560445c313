#include "captures/sink.h"

#include "tests/support/bytes.h"
#include "tests/support/temp_dir.h"

#include <atomic>
#include <doctest/doctest.h>
#include <thread>

using namespace migscope;
using namespace migscope::captures;
using testing::TempDir;

TEST_CASE("the time for which storage was behind is counted") {
  TempDir dir;
  std::atomic<bool> told = false;
  Sink sink(dir / "c.zst", [&] { told = true; });
  testing::Bytes bytes(8u << 20);
  MonoTime now{1000};
  for (int i = 0; i < 100 && !sink.behind(); i++)
    sink.put(bytes, now);
  REQUIRE(sink.behind());
  while (!told)
    std::this_thread::yield();
  sink.check(now + Nanos(500));
  CHECK_FALSE(sink.behind());
  CHECK(sink.stalled() == Nanos(500));
  sink.check(now + Nanos(900));
  CHECK(sink.stalled() == Nanos(500));
  sink.close();
  CHECK_FALSE(sink.failure());
}

TEST_CASE("a sink without a file counts and tells why") {
  TempDir dir;
  Sink sink(dir / "no" / "c.zst", nullptr);
  sink.put(testing::pattern(0, 100), {0});
  CHECK(sink.bytes() == 100);
  CHECK_FALSE(sink.behind());
  REQUIRE(sink.failure());
  CHECK(sink.failure()->message.find("No such file") != std::string::npos);
  sink.close();
}
