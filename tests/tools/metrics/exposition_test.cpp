#include "tools/metrics/exposition.h"

#include <doctest/doctest.h>
#include <limits>

using namespace migscope;
using namespace migscope::tools;

namespace {

constexpr uint64_t kMib = 1 << 20;

bool has_line(const std::string& text, const std::string& line) {
  CAPTURE(text);
  return ("\n" + text).find("\n" + line + "\n") != text.npos;
}

bool mentions(const std::string& text, const std::string& name) {
  return text.find("migscope_" + name) != text.npos;
}

LiveModel model() {
  LiveModel out;
  out.name = "run.migscope";
  out.qemu = "7.2.22";
  out.status = qmp::MigrationStatus::active;
  out.elapsed_ms = 1500;
  out.pass = 3;
  out.left = 31 * kMib;
  out.transferred = 12345;
  out.sent = 33554432.5;
  out.limit_ms = 300;
  out.throttle_percent = 20;
  analyzer::PassCheck check;
  check.pass = 3;
  check.pending_bytes = 32 * kMib;
  check.allowed_bytes = 3 * kMib;
  out.checks.push_back(check);
  return out;
}

} // namespace

TEST_CASE("figures in base units, each with help and type") {
  std::string text = exposition(model());
  CHECK(has_line(text, "migscope_recording_info{name=\"run.migscope\","
                       "qemu=\"7.2.22\"} 1"));
  CHECK(has_line(text, "migscope_migration_status{status=\"active\"} 1"));
  CHECK(has_line(text, "migscope_migration_status{status=\"completed\"} 0"));
  CHECK(has_line(text, "migscope_migration_elapsed_seconds 1.5"));
  CHECK(has_line(text, "# TYPE migscope_passes_total counter"));
  CHECK(has_line(text, "migscope_passes_total 3"));
  CHECK(has_line(text, "migscope_ram_transferred_bytes_total 12345"));
  CHECK(has_line(text, "migscope_ram_remaining_bytes 32505856"));
  CHECK(has_line(text, "migscope_ram_sent_bytes_per_second 33554432.5"));
  CHECK(has_line(text, "migscope_downtime_limit_seconds 0.3"));
  CHECK(has_line(text, "migscope_cpu_throttle_ratio 0.2"));
  CHECK(has_line(text, "migscope_switchover_allowed_bytes 3145728"));
}

TEST_CASE("what is not known has no sample") {
  std::string text = exposition(model());
  for (const char* name : {"ram_dirtied", "downtime_expected", "downtime_sec",
                           "postcopy_requests", "last_answer"})
    CHECK_FALSE(mentions(text, name));
  LiveModel odd = model();
  odd.sent = std::numeric_limits<double>::infinity();
  CHECK_FALSE(mentions(exposition(odd), "ram_sent"));
}

TEST_CASE("without a migration there is its absence") {
  std::string text = exposition(LiveModel());
  CHECK(has_line(text, "migscope_migration_status{status=\"none\"} 1"));
  CHECK_FALSE(mentions(text, "passes_total"));
}

TEST_CASE("names cannot break out of a label") {
  LiveModel evil = model();
  evil.name = "a\"} 1\nevil 2\\\x1b";
  CHECK(has_line(exposition(evil), "migscope_recording_info{name="
                                   "\"a\\\"} 1?evil 2\\\\?\",qemu="
                                   "\"7.2.22\"} 1"));
}
