// What QEMU's features would have made of a recorded migration: xbzrle, multifd
// with compression, leaving out what has not changed. Measured on the pages
// that were sent, which the recording is read a second time for.
//
// The pages and their rounds stay what they were, although a faster migration
// would have had shorter rounds with fewer pages in them.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/what_if/packet_trial.h"
#include "captures/sources.h"

#include <filesystem>

namespace migscope::analyzer {

struct WhatIfOptions {
  PacketTrial::CpuClock cpu_seconds;
  // For a file with the pages that were sent again, in their last content:
  // at most as large as the guest, usually much smaller.
  std::filesystem::path scratch;
  // A power of two. QEMU's default is the smallest size of interest.
  uint64_t smallest_cache = 64u << 20;
  // That are compressed, by each method, of those that are not zero. They take
  // about a second of CPU.
  uint64_t sampled_pages = 16384;
};

// Adds what it finds, and findings, to the analysis of the same recording,
// whose channels can be read a second time. Fails where there is no stream, of
// kind unsupported, and where the scratch file cannot be written.
[[nodiscard]] Status add_what_if(Analysis& analysis,
                                 const captures::Recording& recording,
                                 const WhatIfOptions& options);

} // namespace migscope::analyzer
