// What the dialogue with one monitor tells of its host's clock: bounds from
// causality, gathered line by line.
#pragma once

#include "analyzer/clock_map.h"
#include "qmp/migration.h"

#include <string_view>
#include <vector>

namespace migscope::analyzer {

// A query-migrate of the source.
struct Sample {
  MonoTime asked;
  MonoTime answered;
  qmp::MigrationInfo info;
};

class ClockEvidence {
public:
  // Call them in the order of the lines.
  void sent(std::string_view command, MonoTime at);
  void answered(MonoTime asked);
  void sample(const Sample& sample);
  void event(const qmp::Event& event, const EventMark& mark);

  [[nodiscard]] const std::vector<ClockBound>& bounds() const {
    return bounds_;
  }
  // The newest event whose stamp is a time.
  [[nodiscard]] const std::optional<EventMark>& newest() const {
    return newest_;
  }

private:
  void follow(qmp::MigrationStatus status, WallTime stamp);

  std::vector<ClockBound> bounds_;
  std::optional<EventMark> newest_;
  std::optional<MonoTime> answered_; // the newest question that was answered
  std::optional<MonoTime> ordered_;  // a migration, and it has not begun yet
  // QEMU's total-time counts from between these two.
  std::optional<WallTime> setup_, begun_;
};

} // namespace migscope::analyzer
