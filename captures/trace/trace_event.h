// What the trace events say that explain a migration's pause.
//
// The events that a QEMU has, and a few of their texts, differ by version; each
// type names the versions of what is not in all of 7.2 to 11.1. Sizes are
// bytes where not said otherwise. Texts are printable ASCII, at most
// kMaxText bytes long.
#pragma once

#include "captures/trace/trace_line.h"

#include <span>
#include <string>
#include <variant>

namespace migscope::captures::trace {

// QEMU's section names have 256 bytes with the final zero.
inline constexpr size_t kMaxText = 255;

// "src-vm-stopped"; 8.2 and later.
struct Checkpoint {
  std::string name;
};
// Time that one handler's state took; 8.2 and later. QEMU 10.0 has it also for
// handlers that send nothing (`non-iterable idstr=ram`).
struct DeviceTime {
  bool load = false; // at the destination
  bool iterable = false;
  std::string idstr;
  uint32_t instance_id = 0;
  uint64_t us = 0;
};
struct SyncStart {};
struct SyncEnd {
  uint64_t dirty_pages = 0; // target pages newly dirty in the period
};
// What is left to send. 7.2: migrate_pending, which does not say whether it is
// exact; 8.0 to 10.2: migrate_pending_estimate and _exact; 11.1:
// qemu_savevm_query_pending.
struct Pending {
  std::optional<bool> exact;
  bool final = false; // asked with the guest stopped; 11.1
  uint64_t bytes = 0; // in all
  uint64_t precopy = 0;
  uint64_t postcopy = 0;
  std::optional<uint64_t> compatible; // may go either way; 7.2
  std::optional<uint64_t> stopcopy;   // only with the guest stopped; 11.1
  std::optional<uint64_t> threshold;  // at or below it QEMU switches; 7.2
};
// QEMU's estimate of its bandwidth and the threshold that follows from it. The
// figures are as QEMU prints them: `bandwidth` is bytes/ms in 7.2 and 10.0,
// Mbit/s in 11.1; `switchover_bandwidth` is bytes/ms, not there in 7.2, in
// 10.0 the user's setting (0: none), in 11.1 the value that was used.
struct Transferred {
  uint64_t bytes = 0;
  uint64_t ms = 0; // in which they were sent
  uint64_t bandwidth = 0;
  std::optional<uint64_t> switchover_bandwidth;
  uint64_t max_bytes = 0; // the threshold
};
struct MigrationState {
  std::string name;
};
struct RunState {
  std::string from, to; // "running", "finish-migrate"
};
struct DisksFlushed { // vm_stop_flush_all
  int result = 0;
};
struct SectionStart {
  std::string idstr;
  uint32_t section_id = 0;
};
struct SectionEnd {
  std::string idstr;
  uint32_t section_id = 0;
  int result = 0;
};
struct LoadDevice { // the destination begins to read it
  uint32_t section_id = 0;
  std::string idstr;
  uint32_t instance_id = 0;
  uint32_t version = 0;
};
struct LoadDone { // qemu_loadvm_state_post_main
  int result = 0;
};

using Event = std::variant<Checkpoint, DeviceTime, SyncStart, SyncEnd, Pending,
                           Transferred, MigrationState, RunState, DisksFlushed,
                           SectionStart, SectionEnd, LoadDevice, LoadDone>;

// The names of all events that are decoded, in QEMU's spelling. No QEMU has all
// of them.
[[nodiscard]] std::span<const std::string_view> event_names();
[[nodiscard]] bool is_known(std::string_view event_name);

// Nothing where the event is not known or its arguments are not as expected.
[[nodiscard]] std::optional<Event> decode(const Line& line);

} // namespace migscope::captures::trace
