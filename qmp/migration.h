// What query-migrate and the migration events say, typed.
//
// Every field is optional: each QEMU has its own set (QEMU qapi/migration.json
// 7.2 to 11.1), and none of them is trusted to be there. Absent is not zero.
#pragma once

#include "qmp/message.h"

#include <cstdint>

namespace migscope::qmp {

enum class MigrationStatus {
  none,
  setup,
  cancelling,
  cancelled,
  active,
  postcopy_active,
  postcopy_paused,
  postcopy_recover_setup, // 9.1
  postcopy_recover,
  postcopy_device, // 10.2
  completed,
  failing, // 11.0
  failed,
  colo,
  pre_switchover,
  device,
  wait_unplug,
  unknown, // a word of a later QEMU
};

// QEMU's own word for it ("postcopy-active").
[[nodiscard]] std::string_view to_string(MigrationStatus status);
[[nodiscard]] MigrationStatus migration_status(std::string_view word);
// Every one that has a word, so without `unknown`.
[[nodiscard]] std::vector<MigrationStatus> migration_statuses();
// completed, failed or cancelled: nothing follows but a new migration.
[[nodiscard]] bool is_final(MigrationStatus status);
// The migration has begun and has not ended. An unknown word counts: every one
// that QEMU has added so far stood between setup and the end.
[[nodiscard]] bool is_running(MigrationStatus status);

struct RamStats {
  // Bytes. Up to QEMU 8.1 transferred counts RAM only; from 8.2 everything.
  std::optional<uint64_t> transferred, remaining, total;
  std::optional<uint64_t> duplicate, normal; // pages sent: zero, full
  std::optional<uint64_t> normal_bytes;
  std::optional<uint64_t> dirty_pages_rate; // pages/s
  std::optional<uint64_t> pages_per_second;
  std::optional<double> mbps; // Mbit/s
  std::optional<uint64_t> dirty_sync_count;
  std::optional<uint64_t> postcopy_requests;
  std::optional<uint64_t> page_size; // bytes
  std::optional<uint64_t> multifd_bytes, precopy_bytes, downtime_bytes,
      postcopy_bytes;
};

struct XbzrleStats {
  std::optional<uint64_t> cache_size, bytes, pages, cache_miss, overflow;
  std::optional<double> cache_miss_rate, encoding_rate;
};

struct MigrationInfo {
  // Absent until the first migration.
  std::optional<MigrationStatus> status;
  std::optional<uint64_t> total_time_ms, setup_time_ms, downtime_ms,
      expected_downtime_ms;
  std::optional<uint64_t> remaining; // 11.1: bytes, devices included
  std::optional<uint64_t> cpu_throttle_percentage;
  std::optional<std::string> error_desc;
  std::optional<RamStats> ram;
  std::optional<XbzrleStats> xbzrle;
  std::vector<std::string> blocked_reasons;
};

// What decides when a precopy may switch over.
struct MigrationParameters {
  std::optional<uint64_t> downtime_limit_ms;
  std::optional<uint64_t> max_bandwidth; // bytes/s; 0: no limit
  // 8.2: bytes/s to count on instead of what was measured; 0: not set.
  std::optional<uint64_t> avail_switchover_bandwidth;

  bool operator==(const MigrationParameters&) const = default;
};

// `reply` is the "return" value of query-migrate-parameters.
[[nodiscard]] MigrationParameters
decode_migration_parameters(const Json& reply);

// `reply` is the "return" value of query-migrate; fields of a wrong type
// count as absent.
[[nodiscard]] MigrationInfo decode_query_migrate(const Json& reply);

// An ended migration stays visible in query-migrate until the next one: both
// tell of the same.
[[nodiscard]] bool same_end(const MigrationInfo& a, const MigrationInfo& b);

// Of a reply to query-migrate-capabilities: the names of those that are on, and
// whether one is. What is no such reply has none.
[[nodiscard]] std::vector<std::string> capabilities_on(const Json& reply);
[[nodiscard]] bool capability_is_on(const Json& reply, std::string_view name);

// status of a MIGRATION event; nothing for other events.
[[nodiscard]] std::optional<MigrationStatus>
migration_event_status(const Event& event);
// pass of a MIGRATION_PASS event; nothing for other events.
[[nodiscard]] std::optional<uint64_t> migration_pass(const Event& event);

} // namespace migscope::qmp
