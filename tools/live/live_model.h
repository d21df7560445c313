// What a running migration looks like, as plain data.
#pragma once

#include "analyzer/analysis.h"

namespace migscope::tools {

// At a time of the migration: rates in bytes/s, `left` in bytes. Where points
// were put together, the largest of each.
struct LivePoint {
  double t_ms = 0;
  std::optional<double> sent, dirtied, left;
};

struct LiveModel {
  std::string name;      // of the recording
  std::string qemu;      // the source's version, "7.2.22"; empty: not known yet
  std::string interrupt; // what Ctrl-C does, "cancels the migration"
  // Empty while there is no migration.
  std::optional<qmp::MigrationStatus> status;
  double elapsed_ms = 0;
  uint64_t pass = 0; // as QEMU counts; 0: none yet
  std::optional<uint64_t> left, total, transferred; // bytes of RAM
  std::optional<double> sent, dirtied;              // bytes/s
  std::optional<uint64_t> expected_ms, limit_ms, throttle_percent;
  std::optional<uint64_t> postcopy_requests;
  std::optional<uint64_t> downtime_ms;     // QEMU's, in the end
  std::optional<double> answered_s;        // the newest sample, Unix time
  std::vector<LivePoint> points;           // in time, kMostPoints at the most
  std::vector<double> pass_starts_ms;      // the newest kMostPasses
  std::vector<analyzer::PassCheck> checks; // of passes, the newest likewise
  std::vector<std::string> notices;        // the newest last

  static constexpr size_t kMostPoints = 1024;
  static constexpr size_t kMostPasses = 256;
  static constexpr size_t kMostNotices = 64;
};

// QEMU's answer of the newest pass, in the words of the analysis; or what is
// going on where there is nothing to ask.
[[nodiscard]] std::string why_not_yet(const LiveModel& model);

} // namespace migscope::tools
