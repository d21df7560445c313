// A host's wall clock on our monotonic axis, for what carries a time stamp of
// that host: QMP events, lines of a log.
#pragma once

#include "analyzer/clock_offset.h"

namespace migscope::analyzer {

// A QMP event in both clocks: `emitted` on QEMU's host, `arrival` on ours.
struct EventMark {
  WallTime emitted;
  ClockReading arrival;
};

class ClockMap {
public:
  // Nothing is known: an event is taken to be emitted as it arrives.
  ClockMap() = default;
  // The host is ours. `readings` are pairs of our clocks, in the order in which
  // they were taken.
  [[nodiscard]] static ClockMap local(std::vector<ClockReading> readings);
  // Another host's, as far as its bounds tell.
  [[nodiscard]] static ClockMap bounded(ClockOffset offset);

  [[nodiscard]] bool is_local() const { return local_; }
  // The middle of what is possible, and half its width: the truth lies in
  // at() +- error_at(). Both empty where nothing bounds it.
  [[nodiscard]] std::optional<MonoTime> at(WallTime stamp) const;
  [[nodiscard]] std::optional<Nanos> error_at(WallTime stamp) const;
  // Of an event there is always an estimate, its arrival.
  [[nodiscard]] MonoTime at(const EventMark& mark) const;
  [[nodiscard]] std::optional<Nanos> error_at(const EventMark& mark) const;

private:
  bool local_ = false;
  std::vector<ClockReading> readings_; // by wall clock
  std::optional<ClockOffset> offset_;
};

} // namespace migscope::analyzer
