// Where the bytes waited: what the tee's and the threads' observations say of
// stretches of the transfer, and what limited each.
//
// Observations are counters that only grow. What happened between two of them
// is shared out evenly over the time between, so that a stretch's edges are as
// exact as the observations are near: 50 ms.
#pragma once

#include "analyzer/analysis.h"
#include "analyzer/timeline.h"
#include "captures/session/flow_log.h"
#include "captures/session/thread_log.h"

#include <map>

namespace migscope::analyzer {

struct Stretch {
  MonoTime begin, end;
};

// What one connection did in a stretch, source to destination. Nanoseconds.
struct ConnectionFlow {
  double bytes = 0;
  double waiting = 0, blocked = 0, stalled = 0, working = 0;
  bool tcp = false;
  double receiver_limited = 0;
  uint64_t retransmits = 0, rtt_us = 0;
};

struct ThreadShare {
  double cpu = 0, queued = 0; // ns
};

struct StretchSums {
  std::map<int, ConnectionFlow> connections;
  std::map<int64_t, ThreadShare> threads[2]; // by captures::End
};

class FlowSums {
public:
  // More stretches than this are left out, more connections and threads, too.
  static constexpr size_t kMaxStretches = 4096;
  static constexpr size_t kMaxParts = 300;

  // `stretches` are in order and do not overlap. `vcpus` tell a QEMU
  // from another process, and its other threads where it does not name them.
  FlowSums(std::vector<Stretch> stretches, VcpuThreads vcpus);

  void add(const captures::FlowObservation& observation);
  void add(const captures::ThreadSample& sample);

  [[nodiscard]] const std::vector<Stretch>& stretches() const {
    return stretches_;
  }
  // One for each stretch.
  [[nodiscard]] const std::vector<StretchSums>& sums() const { return sums_; }

private:
  struct Part {
    size_t stretch;
    double share; // of what happened between two observations
  };
  [[nodiscard]] std::vector<Part> parts(MonoTime from, MonoTime to) const;
  void add(ConnectionFlow& flow, const captures::FlowObservation& before,
           const captures::FlowObservation& now, double share) const;

  std::vector<Stretch> stretches_;
  VcpuThreads vcpus_;
  std::vector<StretchSums> sums_;
  std::map<int, captures::FlowObservation> last_;
  std::optional<captures::ThreadSample> last_threads_[2];
};

// `limit` is the max-bandwidth in force, bytes/s; 0 or nothing: none that is
// known. Nothing where there are no observations of the stretch, or it is
// shorter than they are apart.
[[nodiscard]] std::optional<Flow> flow_of(const Stretch& stretch,
                                          const StretchSums& sums,
                                          std::optional<uint64_t> limit);

// "400.1 ms blocked, 0.0 stalled, 12.0 idle of 900.0 ms, 63.1 MiB/s of about
// 64.0 allowed, migration thread 23 % on a CPU, 1 % waiting for one"
[[nodiscard]] std::string describe(const Flow& flow);

} // namespace migscope::analyzer
