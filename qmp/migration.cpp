#include "qmp/migration.h"

#include <algorithm>
#include <array>

namespace migscope::qmp {
namespace {

struct StatusWord {
  MigrationStatus status;
  std::string_view word;
};

using enum MigrationStatus;
constexpr std::array kStatusWords = {
    StatusWord{none, "none"},
    StatusWord{setup, "setup"},
    StatusWord{cancelling, "cancelling"},
    StatusWord{cancelled, "cancelled"},
    StatusWord{active, "active"},
    StatusWord{postcopy_active, "postcopy-active"},
    StatusWord{postcopy_paused, "postcopy-paused"},
    StatusWord{postcopy_recover_setup, "postcopy-recover-setup"},
    StatusWord{postcopy_recover, "postcopy-recover"},
    StatusWord{postcopy_device, "postcopy-device"},
    StatusWord{completed, "completed"},
    StatusWord{failing, "failing"},
    StatusWord{failed, "failed"},
    StatusWord{colo, "colo"},
    StatusWord{pre_switchover, "pre-switchover"},
    StatusWord{device, "device"},
    StatusWord{wait_unplug, "wait-unplug"},
};

void read(const Json& from, std::optional<uint64_t>& to) {
  to = from.as_uint();
}

void read(const Json& from, std::optional<double>& to) {
  to = from.as_double();
}

template <typename Owner, typename T>
struct Field {
  const char* key;
  std::optional<T> Owner::*member;
};

template <typename Owner, typename T, size_t N>
void read_fields(const Json& from, Owner& to,
                 const Field<Owner, T> (&fields)[N]) {
  for (const auto& field : fields)
    read(from.get(field.key), to.*field.member);
}

constexpr Field<RamStats, uint64_t> kRamCounters[] = {
    {"transferred", &RamStats::transferred},
    {"remaining", &RamStats::remaining},
    {"total", &RamStats::total},
    {"duplicate", &RamStats::duplicate},
    {"normal", &RamStats::normal},
    {"normal-bytes", &RamStats::normal_bytes},
    {"dirty-pages-rate", &RamStats::dirty_pages_rate},
    {"pages-per-second", &RamStats::pages_per_second},
    {"dirty-sync-count", &RamStats::dirty_sync_count},
    {"postcopy-requests", &RamStats::postcopy_requests},
    {"page-size", &RamStats::page_size},
    {"multifd-bytes", &RamStats::multifd_bytes},
    {"precopy-bytes", &RamStats::precopy_bytes},
    {"downtime-bytes", &RamStats::downtime_bytes},
    {"postcopy-bytes", &RamStats::postcopy_bytes},
};

constexpr Field<XbzrleStats, uint64_t> kXbzrleCounters[] = {
    {"cache-size", &XbzrleStats::cache_size},
    {"bytes", &XbzrleStats::bytes},
    {"pages", &XbzrleStats::pages},
    {"cache-miss", &XbzrleStats::cache_miss},
    {"overflow", &XbzrleStats::overflow},
};

constexpr Field<XbzrleStats, double> kXbzrleRates[] = {
    {"cache-miss-rate", &XbzrleStats::cache_miss_rate},
    {"encoding-rate", &XbzrleStats::encoding_rate},
};

constexpr Field<MigrationInfo, uint64_t> kInfoCounters[] = {
    {"total-time", &MigrationInfo::total_time_ms},
    {"setup-time", &MigrationInfo::setup_time_ms},
    {"downtime", &MigrationInfo::downtime_ms},
    {"expected-downtime", &MigrationInfo::expected_downtime_ms},
    {"remaining", &MigrationInfo::remaining},
    {"cpu-throttle-percentage", &MigrationInfo::cpu_throttle_percentage},
};

constexpr Field<MigrationParameters, uint64_t> kParameters[] = {
    {"downtime-limit", &MigrationParameters::downtime_limit_ms},
    {"max-bandwidth", &MigrationParameters::max_bandwidth},
    {"avail-switchover-bandwidth",
     &MigrationParameters::avail_switchover_bandwidth},
};

std::optional<RamStats> decode_ram(const Json& json) {
  if (!json.is_object())
    return {};
  RamStats out;
  read_fields(json, out, kRamCounters);
  out.mbps = json.get("mbps").as_double();
  return out;
}

std::optional<XbzrleStats> decode_xbzrle(const Json& json) {
  if (!json.is_object())
    return {};
  XbzrleStats out;
  read_fields(json, out, kXbzrleCounters);
  read_fields(json, out, kXbzrleRates);
  return out;
}

std::optional<MigrationStatus> decode_status(const Json& json) {
  auto word = json.as_string();
  if (!word)
    return {};
  return migration_status(*word);
}

} // namespace

std::string_view to_string(MigrationStatus status) {
  auto found = std::ranges::find(kStatusWords, status, &StatusWord::status);
  return found != kStatusWords.end() ? found->word : "unknown";
}

std::vector<MigrationStatus> migration_statuses() {
  std::vector<MigrationStatus> out;
  for (const StatusWord& known : kStatusWords)
    out.push_back(known.status);
  return out;
}

MigrationStatus migration_status(std::string_view word) {
  auto found = std::ranges::find(kStatusWords, word, &StatusWord::word);
  return found != kStatusWords.end() ? found->status : unknown;
}

bool is_final(MigrationStatus status) {
  return status == completed || status == failed || status == cancelled;
}

bool is_running(MigrationStatus status) {
  return status != none && !is_final(status);
}

MigrationInfo decode_query_migrate(const Json& reply) {
  MigrationInfo out;
  out.status = decode_status(reply.get("status"));
  read_fields(reply, out, kInfoCounters);
  out.error_desc = reply.get("error-desc").as_string();
  out.ram = decode_ram(reply.get("ram"));
  out.xbzrle = decode_xbzrle(reply.get("xbzrle-cache"));
  for (const Json& reason : reply.get("blocked-reasons").elements())
    if (auto text = reason.as_string())
      out.blocked_reasons.push_back(*text);
  return out;
}

MigrationParameters decode_migration_parameters(const Json& reply) {
  MigrationParameters out;
  read_fields(reply, out, kParameters);
  return out;
}

bool same_end(const MigrationInfo& a, const MigrationInfo& b) {
  return a.status == b.status && a.total_time_ms == b.total_time_ms &&
         a.error_desc == b.error_desc;
}

std::vector<std::string> capabilities_on(const Json& reply) {
  std::vector<std::string> out;
  for (const Json& entry : reply.elements())
    if (entry.get("state").as_bool().value_or(false))
      if (auto name = entry.get("capability").as_string())
        out.push_back(*name);
  return out;
}

bool capability_is_on(const Json& reply, std::string_view name) {
  return std::ranges::count(capabilities_on(reply), name) > 0;
}

std::optional<MigrationStatus> migration_event_status(const Event& event) {
  if (event.name != "MIGRATION")
    return {};
  return decode_status(event.data.get("status"));
}

std::optional<uint64_t> migration_pass(const Event& event) {
  if (event.name != "MIGRATION_PASS")
    return {};
  return event.data.get("pass").as_uint();
}

} // namespace migscope::qmp
