// A qcow2 image with snapshots. Options: none.
#include "captures/containers/qcow2.h"

#include "captures/containers/qcow2_map.h"
#include "tests/fuzz/fuzz_input.h"

using namespace migscope;
using namespace migscope::captures;
using namespace migscope::fuzz;

namespace {

// A small image may claim a state of any size.
constexpr size_t kMostSnapshots = 8;
constexpr size_t kMostRuns = 256;

void read_state(std::span<const std::byte> file, const Qcow2Map& map) {
  uint64_t at = 0;
  for (size_t i = 0; i < kMostRuns && at < map.bytes(); i++) {
    auto run = map.run_at(at);
    if (!run)
      return;
    require(run->bytes > 0, "a run is not empty");
    require(run->bytes <= map.bytes() - at, "a run lies in the state");
    require(!run->offset || (*run->offset <= file.size() &&
                             run->bytes <= file.size() - *run->offset),
            "a run lies in the file");
    at += run->bytes;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  auto image = parse_qcow2(input.rest());
  if (!image) {
    require(image.error().offset.has_value(), "an error has an offset");
    return 0;
  }
  (void)pick_snapshot(*image, {});
  image->snapshots.resize(std::min(image->snapshots.size(), kMostSnapshots));
  for (const Qcow2Snapshot& snapshot : image->snapshots) {
    auto map = Qcow2Map::of(input.rest(), *image, snapshot);
    if (!map)
      continue;
    read_state(input.rest(), *map);
    map->take_all();
    read_state(input.rest(), *map);
  }
  return 0;
}
