// A capture. Options: u8 whether the bytes are a whole file (even), or packets
// of one link type; in the latter case u8 link type, then for each packet u8
// milliseconds since the one before, be16 length.
#include "analyzer/traffic/read_traffic.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/memory_file.h"
#include "tests/support/packet_builder.h"

#include <cmath>

using namespace migscope;
using namespace migscope::analyzer;
using namespace migscope::fuzz;

namespace {

std::vector<std::byte> wrapped(FuzzInput& input) {
  // Of tcpdump.org/linktypes: one that is not read is for the whole files.
  constexpr uint32_t kLinkTypes[] = {0, 1, 101, 108, 113, 228, 229, 276};
  testing::PcapBuilder out(kLinkTypes[input.u8() % std::size(kLinkTypes)]);
  double ms = 0;
  while (!input.rest().empty()) {
    ms += input.u8();
    out.add(ms, input.take(input.be16()));
  }
  return out.bytes();
}

void check(const TrafficDirection& direction) {
  require(direction.packets > 0, "a direction has packets");
  if (direction.loss)
    require(direction.loss->lost <= direction.loss->of &&
                direction.loss->of > 0 && direction.loss->percent <= 100,
            "at most all is lost");
  if (direction.delay)
    require(direction.delay->min_ms >= 0 &&
                direction.delay->min_ms <= direction.delay->median_ms &&
                direction.delay->median_ms <= direction.delay->p99_ms &&
                direction.delay->p99_ms <= direction.delay->max_ms,
            "delays are in order");
  if (direction.longest && direction.longest->split) {
    const SilenceSplit& split = *direction.longest->split;
    require(std::fabs(split.before_ms + split.pause_ms + split.recovery_ms -
                      direction.longest->silent_ms) < 0.01,
            "the pieces add up to the silence");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  bool whole = input.u8() % 2 == 0;
  std::vector<std::byte> bytes =
      whole ? std::vector(input.rest().begin(), input.rest().end())
            : wrapped(input);
  MemoryFile file(bytes);
  WallTime start{testing::PcapBuilder::kStartNs};
  auto report = read_traffic(
      {file.path(),
       {},
       8000,
       WallPause{start + Nanos(20'000'000), start + Nanos(90'000'000), {}}});
  if (!report)
    return 0;
  uint64_t packets = report->not_ip + report->damaged + report->cut +
                     report->later_fragments + report->untold.packets;
  for (const TrafficFlow& flow : report->flows)
    for (const TrafficDirection& direction : flow.directions) {
      check(direction);
      packets += direction.packets;
    }
  require(packets == report->packets, "every packet is counted once");
  return 0;
}
