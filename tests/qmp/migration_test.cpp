#include "qmp/migration.h"

#include <doctest/doctest.h>

using namespace migscope;
using namespace migscope::qmp;

namespace {

Json parsed(std::string_view text) {
  auto result = Json::parse(text);
  REQUIRE_MESSAGE(result.has_value(), text);
  return *result;
}

// Every field that is decoded, none of them zero.
constexpr const char* kFull = R"({
  "status": "active", "total-time": 1, "setup-time": 2, "downtime": 3,
  "expected-downtime": 4, "remaining": 5, "cpu-throttle-percentage": 6,
  "error-desc": "text", "blocked-reasons": ["a", "b"],
  "ram": {"transferred": 10, "remaining": 11, "total": 12, "duplicate": 13,
    "normal": 14, "normal-bytes": 15, "dirty-pages-rate": 16,
    "pages-per-second": 17, "dirty-sync-count": 18, "postcopy-requests": 19,
    "page-size": 20, "multifd-bytes": 21, "precopy-bytes": 22,
    "downtime-bytes": 23, "postcopy-bytes": 18446744073709551615,
    "mbps": 1.5},
  "xbzrle-cache": {"cache-size": 30, "bytes": 31, "pages": 32,
    "cache-miss": 33, "overflow": 34, "cache-miss-rate": 0.25,
    "encoding-rate": 7}})";

// What was decoded, as text: two of these differ where any field does.
std::string tell(const MigrationInfo& info) {
  Json out = Json::array();
  out.add(info.status ? Json::of(to_string(*info.status)) : Json());
  for (const auto& field : {info.total_time_ms, info.setup_time_ms,
                            info.downtime_ms, info.expected_downtime_ms,
                            info.remaining, info.cpu_throttle_percentage})
    out.add(field);
  out.add(info.error_desc ? Json::of(*info.error_desc) : Json());
  for (const auto& reason : info.blocked_reasons)
    out.add(reason);
  auto ram = info.ram.value_or(RamStats());
  for (const auto& field :
       {ram.transferred, ram.remaining, ram.total, ram.duplicate, ram.normal,
        ram.normal_bytes, ram.dirty_pages_rate, ram.pages_per_second,
        ram.dirty_sync_count, ram.postcopy_requests, ram.page_size,
        ram.multifd_bytes, ram.precopy_bytes, ram.downtime_bytes,
        ram.postcopy_bytes})
    out.add(field);
  auto xbzrle = info.xbzrle.value_or(XbzrleStats());
  for (const auto& field : {xbzrle.cache_size, xbzrle.bytes, xbzrle.pages,
                            xbzrle.cache_miss, xbzrle.overflow})
    out.add(field);
  out.add(ram.mbps).add(xbzrle.cache_miss_rate).add(xbzrle.encoding_rate);
  return out.dump();
}

const char* const kWrong[] = {"null", "true",  "-1", "1.5",
                              "[]",   "\"x\"", "{}", "[{}]"};

} // namespace

TEST_CASE("every field of query-migrate is read into its own place") {
  CHECK(tell(decode_query_migrate(parsed(kFull))) ==
        R"(["active",1,2,3,4,5,6,"text","a","b",)"
        "10,11,12,13,14,15,16,17,18,19,20,21,22,23,18446744073709551615,"
        "30,31,32,33,34,1.5,0.25,7.0]");
}

TEST_CASE("before the first migration everything is absent") {
  auto info = decode_query_migrate(Json::object());
  CHECK_FALSE(info.status);
  CHECK_FALSE(info.ram);
  CHECK_FALSE(info.xbzrle);
  CHECK_FALSE(info.total_time_ms);
  CHECK(info.blocked_reasons.empty());
}

TEST_CASE("a field of a wrong type is as good as absent") {
  for (const std::string& key : parsed(kFull).keys())
    for (const char* wrong : kWrong) {
      CAPTURE(key);
      CAPTURE(wrong);
      // "x" is a right type for these two, an empty list or object for others.
      if (std::string_view(wrong) == "\"x\"" &&
          (key == "status" || key == "error-desc"))
        continue;
      Json damaged = parsed(kFull).set(key.c_str(), parsed(wrong));
      Json without = parsed(kFull).set(key.c_str(), Json());
      CHECK(tell(decode_query_migrate(damaged)) ==
            tell(decode_query_migrate(without)));
      CHECK(tell(decode_query_migrate(damaged)) !=
            tell(decode_query_migrate(parsed(kFull))));
    }
}

TEST_CASE("a counter of a wrong type is as good as absent") {
  for (const char* group : {"ram", "xbzrle-cache"})
    for (const std::string& key : parsed(kFull).get(group).keys())
      for (const char* wrong : {"null", "true", "\"12\"", "[]", "{}", "[1]"}) {
        CAPTURE(key);
        CAPTURE(wrong);
        Json damaged = parsed(kFull);
        damaged.get(group).set(key.c_str(), parsed(wrong));
        Json without = parsed(kFull);
        without.get(group).set(key.c_str(), Json());
        CHECK(tell(decode_query_migrate(damaged)) ==
              tell(decode_query_migrate(without)));
        CHECK(tell(decode_query_migrate(damaged)) !=
              tell(decode_query_migrate(parsed(kFull))));
      }
}

TEST_CASE("a reply that is no object says nothing") {
  for (const char* wrong : kWrong)
    CHECK(tell(decode_query_migrate(parsed(wrong))) == tell(MigrationInfo()));
}

TEST_CASE("only texts count as reasons for a block") {
  auto info = decode_query_migrate(
      parsed(R"({"blocked-reasons":[1,"why",null,["x"],"and"]})"));
  CHECK(info.blocked_reasons == std::vector<std::string>{"why", "and"});
}

TEST_CASE("the parameters that decide on the switchover") {
  auto read = [](const char* json) {
    return decode_migration_parameters(parsed(json));
  };
  auto all = read(R"({"downtime-limit":300,"max-bandwidth":134217728,
      "avail-switchover-bandwidth":1000})");
  CHECK(all.downtime_limit_ms == 300);
  CHECK(all.max_bandwidth == 134217728);
  CHECK(all.avail_switchover_bandwidth == 1000);
  CHECK(read(R"({"downtime-limit":"300","max-bandwidth":-1})") ==
        MigrationParameters{});
  CHECK(read("[]") == MigrationParameters{});
}

TEST_CASE("status words go both ways") {
  for (int i = 0; i < static_cast<int>(MigrationStatus::unknown); ++i) {
    auto status = static_cast<MigrationStatus>(i);
    CHECK(to_string(status) != "unknown");
    CHECK(migration_status(to_string(status)) == status);
  }
  CHECK(migration_status("postcopy-active") ==
        MigrationStatus::postcopy_active);
  CHECK(migration_status("wait-unplug") == MigrationStatus::wait_unplug);
  CHECK(migration_status("quantum") == MigrationStatus::unknown);
  CHECK(migration_status("") == MigrationStatus::unknown);
  CHECK(migration_status("unknown") == MigrationStatus::unknown);
}

TEST_CASE("what is final and what runs") {
  using enum MigrationStatus;
  for (auto status : {completed, failed, cancelled}) {
    CHECK(is_final(status));
    CHECK_FALSE(is_running(status));
  }
  for (auto status : {setup, active, cancelling, failing, device,
                      postcopy_paused, colo, unknown}) {
    CHECK_FALSE(is_final(status));
    CHECK(is_running(status));
  }
  CHECK_FALSE(is_final(none));
  CHECK_FALSE(is_running(none));
}

TEST_CASE("migration events") {
  Event status{"MIGRATION", {}, parsed(R"({"status":"pre-switchover"})")};
  CHECK(migration_event_status(status) == MigrationStatus::pre_switchover);
  CHECK_FALSE(migration_pass(status));
  Event pass{"MIGRATION_PASS", {}, parsed(R"({"pass":18446744073709551615})")};
  CHECK(migration_pass(pass) == UINT64_MAX);
  CHECK_FALSE(migration_event_status(pass));
  for (const char* wrong : kWrong) {
    Event bad{"MIGRATION", {}, Json::object().set("status", parsed(wrong))};
    if (std::string_view(wrong) != "\"x\"")
      CHECK_FALSE(migration_event_status(bad));
    Event worse{
        "MIGRATION_PASS", {}, Json::object().set("pass", parsed(wrong))};
    CHECK_FALSE(migration_pass(worse));
    CHECK_FALSE(migration_pass({"MIGRATION_PASS", {}, parsed(wrong)}));
  }
}
