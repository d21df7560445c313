// Timelines and streams made by hand.
#pragma once

#include "analyzer/rounds.h"
#include "analyzer/timeline.h"

namespace migscope::testing {

// Milliseconds on our monotonic clock, and the wall clock to go with it.
inline MonoTime at_ms(double ms) {
  return {static_cast<int64_t>(ms * 1e6)};
}
inline WallTime wall_ms(double ms) {
  return {1'700'000'000'000'000'000 + static_cast<int64_t>(ms * 1e6)};
}
// An event emitted at `ms` on a host whose wall clock is ours, which took
// `way` to get here.
inline analyzer::EventMark mark_ms(double ms, double way = 0) {
  return {wall_ms(ms), {at_ms(ms + way), wall_ms(ms + way)}};
}

inline analyzer::Sample sample_ms(double asked, qmp::MigrationStatus status,
                                  std::optional<uint64_t> syncs = {},
                                  double took = 1) {
  analyzer::Sample sample{at_ms(asked), at_ms(asked + took), {}};
  sample.info.status = status;
  if (syncs) {
    sample.info.ram.emplace();
    sample.info.ram->dirty_sync_count = syncs;
  }
  return sample;
}

} // namespace migscope::testing
