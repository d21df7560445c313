// For how long a direction of a connection has been in each of its states.
#pragma once

#include "captures/session/flow_log.h"

namespace migscope::captures {

class FlowClock {
public:
  enum class State { waiting, blocked, stalled, working };

  explicit FlowClock(MonoTime start) : since_(start) {}

  void enter(State state, MonoTime now) {
    times_ = times(now);
    since_ = now;
    state_ = state;
  }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] FlowTimes times(MonoTime now) const {
    constexpr Nanos FlowTimes::*kMembers[] = {
        &FlowTimes::waiting, &FlowTimes::blocked, &FlowTimes::stalled,
        &FlowTimes::working};
    FlowTimes out = times_;
    out.*kMembers[static_cast<size_t>(state_)] += now - since_;
    return out;
  }

private:
  State state_ = State::waiting;
  MonoTime since_;
  FlowTimes times_;
};

} // namespace migscope::captures
