// Echo requests of ICMP of one id, and their replies.
#pragma once

#include "analyzer/service/jitter.h"
#include "analyzer/traffic/samples.h"
#include "analyzer/traffic/traffic.h"
#include "base/clock.h"

#include <map>

namespace migscope::analyzer {

class EchoRequests {
public:
  static constexpr size_t kMostKept = 32767; // that place() can tell apart

  void request(uint16_t sequence, WallTime at);
  void reply(uint16_t sequence, WallTime at, Samples& delays,
             SampleBudget& budget, Jitter& jitter);

  // Sets loss, reordering, duplicates and `echo` of both directions. `end`: of
  // the capture. Without replies nothing is known of a loss.
  void tell(TrafficDirection& requests, TrafficDirection* replies,
            WallTime end) const;

private:
  struct Request {
    WallTime sent;
    bool answered = false;
  };
  // Its place in the sequence, which wraps around.
  [[nodiscard]] int64_t place(uint16_t sequence) const;

  bool begun_ = false, replied_ = false;
  int64_t newest_ = 0, newest_reply_ = 0;
  std::map<int64_t, Request> kept_; // by place
  uint64_t requests_ = 0, answered_ = 0;
  uint64_t lost_ = 0, given_up_ = 0; // of those that are not kept any more
  uint64_t reordered_ = 0, duplicates_ = 0; // of the requests
  uint64_t replies_reordered_ = 0, replies_twice_ = 0;
};

} // namespace migscope::analyzer
