// A packet capture's figures.
#pragma once

#include "analyzer/traffic/pace.h"
#include "analyzer/traffic/traffic.h"
#include "base/error.h"

namespace migscope::analyzer {

struct TrafficOptions {
  std::string file, filter;
  std::optional<uint32_t> rtp_clock; // Hz, of dynamic payload types
  std::optional<WallPause> pause;    // on the clock of the capture
};

// Reads the file twice. Fails as PacketFile::open() does; what is wrong later
// is told in the report, whose figures are of the packets before that.
[[nodiscard]] Result<TrafficReport> read_traffic(const TrafficOptions& options);

} // namespace migscope::analyzer
