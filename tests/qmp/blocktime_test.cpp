#include "qmp/blocktime.h"

#include <doctest/doctest.h>

using namespace migscope::qmp;

namespace {

std::optional<PostcopyBlocktime> decoded(const char* reply) {
  return decode_postcopy_blocktime(*Json::parse(reply));
}

} // namespace

TEST_CASE("a destination tells how long its vCPUs waited for pages") {
  auto out =
      decoded(R"({"status":"completed","postcopy-blocktime":12,)"
              R"("postcopy-vcpu-blocktime":[12,30],"postcopy-latency":250000,)"
              R"("postcopy-vcpu-latency":[1,2],"postcopy-non-vcpu-latency":7,)"
              R"("postcopy-latency-dist":[0,3,5]})");
  REQUIRE(out);
  CHECK(out->all_ms == 12);
  CHECK(out->vcpu_ms == std::vector<uint64_t>{12, 30});
  CHECK(out->latency_ns == 250000);
  CHECK(out->vcpu_latency_ns == std::vector<uint64_t>{1, 2});
  CHECK(out->non_vcpu_latency_ns == 7);
  CHECK(out->latency_buckets == std::vector<uint64_t>{0, 3, 5});
}

TEST_CASE("before QEMU 10.1 there are no latencies") {
  auto out =
      decoded(R"({"postcopy-blocktime":0,"postcopy-vcpu-blocktime":[0]})");
  REQUIRE(out);
  CHECK(out->all_ms == 0);
  CHECK_FALSE(out->latency_ns);
  CHECK(out->latency_buckets.empty());
}

TEST_CASE("where the capability was off there is nothing") {
  CHECK_FALSE(decoded(R"({"status":"completed"})"));
  CHECK_FALSE(decoded("7"));
  CHECK_FALSE(decoded(R"({"postcopy-blocktime":"x",)"
                      R"("postcopy-latency-dist":3})"));
}
