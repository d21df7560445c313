// What a prober saw of a guest, read back from its log.
#pragma once

#include "captures/session/probe_log.h"

#include <vector>

namespace migscope::analyzer {

struct Probe {
  MonoTime sent;
  std::optional<MonoTime> answered; // first time
};

struct ProbeSeries {
  captures::ProbeSetup setup;
  std::vector<Probe> probes; // by sequence, which is the order of sending
  // When an answer came, and to which probe: in the order in which they came,
  // without those that came again.
  std::vector<std::pair<MonoTime, uint64_t>> answers;
  uint64_t duplicates = 0;
  uint64_t failures = 0; // that the system told
  std::string failure;   // the first of them
};

// What is read of a longer log: a day and a half at the usual rate, three GB.
inline constexpr uint64_t kMostProbes = uint64_t{1} << 26;

// What is readable of a damaged log is taken, `torn` says how it ends. Fails
// where the file cannot be read, is no zstd file, or has no setup.
[[nodiscard]] Result<ProbeSeries> read_probes(const std::filesystem::path& log,
                                              std::optional<Error>* torn);

} // namespace migscope::analyzer
