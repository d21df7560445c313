#include "analyzer/device_times.h"

#include "tests/analyzer/events.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::analyzer;
using captures::Chunk;
using migscope::testing::at_ms;

namespace {

DeviceState device(uint64_t offset, uint64_t bytes) {
  return {"d", 0, 1, bytes, offset, true, {}, {}, {}, {}};
}

} // namespace

TEST_CASE("a device has come with the burst that holds its last byte") {
  std::vector<Chunk> chunks{
      {0, 100, at_ms(1000)}, {100, 50, at_ms(1010)}, {150, 50, at_ms(1013)}};
  std::vector<DeviceState> devices{device(60, 40), device(100, 10),
                                   device(110, 50), device(199, 2)};
  time_devices(devices, chunks, at_ms(990));
  CHECK(devices[0].arrived_ms == doctest::Approx(10));
  CHECK_FALSE(devices[0].resolution_ms); // nothing came before
  CHECK(devices[1].arrived_ms == doctest::Approx(20));
  CHECK(devices[1].resolution_ms == doctest::Approx(10));
  CHECK(devices[2].arrived_ms == doctest::Approx(23));
  CHECK(devices[2].resolution_ms == doctest::Approx(3));
  CHECK_FALSE(devices[3].arrived_ms); // its last byte never came
  auto finding = bursts_finding(devices);
  REQUIRE(finding);
  CHECK(finding->text == "the states of 3 devices came in 3 bursts: when one "
                         "was written is known to 10.0 ms");
}

TEST_CASE("what was sent while the guest ran, or without times, has none") {
  std::vector<DeviceState> devices{device(0, 10)};
  devices[0].in_pause = false;
  std::vector<Chunk> chunks{{0, 100, at_ms(1000)}};
  time_devices(devices, chunks, at_ms(990));
  CHECK_FALSE(devices[0].arrived_ms);
  devices[0].in_pause = true;
  time_devices(devices, {}, at_ms(990));
  CHECK_FALSE(devices[0].arrived_ms);
  CHECK_FALSE(bursts_finding(devices));
}
