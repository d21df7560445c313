#include "analyzer/flow.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

using captures::End;
using captures::FlowObservation;
using captures::ThreadSample;
using captures::ThreadTimes;

// What the thread that sends or receives is called, cut to the kernel's 15
// bytes: up to 8.x, and from 9.0 on.
bool is_migration_thread(End end, std::string_view name) {
  for (std::string_view head : {"live_migration", "multifdsend", "bg_snapshot",
                                "mig/src/main", "mig/src/send", "mig/snapshot"})
    if (end == End::source && name.starts_with(head))
      return true;
  return end == End::destination &&
         (name.starts_with("multifdrecv") || name.starts_with("mig/dst/recv"));
}

// The threads that may be the migration's. The destination of a precopy reads
// in its main thread. Where QEMU names none (7.2 without debug-threads=on), all
// of the source's but the main thread and the vCPUs. Without a vCPU to know it
// by the process may be another one, and then only names count.
std::vector<ThreadTimes> candidates(const ThreadSample& sample,
                                    const std::vector<int64_t>& vcpus) {
  std::vector<ThreadTimes> named, others;
  bool is_source = sample.end == End::source, known = false;
  for (const ThreadTimes& thread : sample.threads) {
    bool main = thread.tid == sample.pid;
    bool vcpu =
        std::find(vcpus.begin(), vcpus.end(), thread.tid) != vcpus.end();
    known = known || vcpu;
    if (is_migration_thread(sample.end, thread.name))
      named.push_back(thread);
    else if (!vcpu && main != is_source)
      others.push_back(thread);
  }
  if (known && (named.empty() || !is_source))
    named.insert(named.end(), others.begin(), others.end());
  return named;
}

bool grew(const captures::FlowTimes& a, const captures::FlowTimes& b) {
  return b.waiting >= a.waiting && b.blocked >= a.blocked &&
         b.stalled >= a.stalled && b.working >= a.working;
}

double ns(Nanos later, Nanos earlier) {
  return static_cast<double>((later - earlier).count());
}

// The same key's entry, or a new one while there is room.
template <typename Key, typename Value>
Value* entry(std::map<Key, Value>& entries, Key key) {
  auto found = entries.find(key);
  if (found != entries.end())
    return &found->second;
  if (entries.size() >= FlowSums::kMaxParts)
    return nullptr;
  return &entries[key];
}

} // namespace

FlowSums::FlowSums(std::vector<Stretch> stretches, VcpuThreads vcpus)
    : stretches_(std::move(stretches)), vcpus_(std::move(vcpus)) {
  stretches_.resize(std::min(stretches_.size(), kMaxStretches));
  sums_.resize(stretches_.size());
}

std::vector<FlowSums::Part> FlowSums::parts(MonoTime from, MonoTime to) const {
  std::vector<Part> out;
  if (to <= from)
    return out;
  auto at = std::upper_bound(
      stretches_.begin(), stretches_.end(), from,
      [](MonoTime time, const Stretch& stretch) { return time < stretch.end; });
  for (; at != stretches_.end() && at->begin < to; ++at) {
    Nanos both = std::min(at->end, to) - std::max(at->begin, from);
    if (both > Nanos(0))
      out.push_back({static_cast<size_t>(at - stretches_.begin()),
                     static_cast<double>(both.count()) /
                         static_cast<double>((to - from).count())});
  }
  return out;
}

void FlowSums::add(const FlowObservation& observation) {
  if (!observation.onward)
    return;
  auto last = last_.find(observation.channel);
  if (last == last_.end()) {
    if (last_.size() < kMaxParts)
      last_.emplace(observation.channel, observation);
    return;
  }
  const FlowObservation& before = last->second;
  bool sound = observation.bytes >= before.bytes &&
               grew(before.times, observation.times);
  if (sound)
    for (Part part : parts(before.time, observation.time)) {
      StretchSums& sums = sums_[part.stretch];
      if (auto* flow = entry(sums.connections, observation.channel))
        add(*flow, before, observation, part.share);
    }
  last->second = observation;
}

void FlowSums::add(ConnectionFlow& flow, const FlowObservation& before,
                   const FlowObservation& now, double share) const {
  flow.bytes += share * static_cast<double>(now.bytes - before.bytes);
  flow.waiting += share * ns(now.times.waiting, before.times.waiting);
  flow.blocked += share * ns(now.times.blocked, before.times.blocked);
  flow.stalled += share * ns(now.times.stalled, before.times.stalled);
  flow.working += share * ns(now.times.working, before.times.working);
  if (!now.to.tcp || !before.to.tcp)
    return;
  const captures::TcpState &a = *before.to.tcp, &b = *now.to.tcp;
  flow.tcp = true;
  flow.rtt_us = std::max(flow.rtt_us, b.rtt_us);
  // Segments are whole: the stretch of their better half has them.
  if (share >= 0.5)
    flow.retransmits += b.retransmits - std::min(a.retransmits, b.retransmits);
  if (a.limits && b.limits &&
      b.limits->rwnd_limited_us >= a.limits->rwnd_limited_us)
    flow.receiver_limited += share * 1e3 *
                             static_cast<double>(b.limits->rwnd_limited_us -
                                                 a.limits->rwnd_limited_us);
}

void FlowSums::add(const ThreadSample& sample) {
  auto& last = last_threads_[static_cast<size_t>(sample.end)];
  auto before = std::exchange(last, sample);
  if (!before || before->pid != sample.pid)
    return;
  auto in = parts(before->time, sample.time);
  if (in.empty())
    return;
  for (const ThreadTimes& now :
       candidates(sample, vcpus_[static_cast<size_t>(sample.end)])) {
    auto same = [&](const ThreadTimes& thread) {
      return thread.tid == now.tid;
    };
    auto old =
        std::find_if(before->threads.begin(), before->threads.end(), same);
    // A thread that was not there began since.
    bool began = old == before->threads.end();
    Nanos cpu = began ? now.cpu : now.cpu - old->cpu;
    Nanos queued = began ? now.queued : now.queued - old->queued;
    for (Part part : in)
      if (auto* share = entry(
              sums_[part.stretch].threads[static_cast<size_t>(sample.end)],
              now.tid)) {
        share->cpu += part.share * ns(std::max(cpu, Nanos(0)), Nanos(0));
        share->queued += part.share * ns(std::max(queued, Nanos(0)), Nanos(0));
      }
  }
}

} // namespace migscope::analyzer
