#include "tools/render/what_if.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <sstream>

using namespace migscope;
using namespace migscope::analyzer;
using tools::what_if_json;
using tools::what_if_text;
using Keys = std::vector<std::string>;

namespace {

constexpr uint64_t kMiB = 1u << 20;

WhatIf everything() {
  WhatIf out{.ram_bytes = 1000 * kMiB};
  out.unchanged = {
      .pages = 512, .bytes = 2 * kMiB, .zero_pages = 3, .zero_bytes = 27};
  out.xbzrle = XbzrleSavings{.caches = {{.cache_bytes = 64 * kMiB,
                                         .hits = 5,
                                         .misses = 4,
                                         .overflows = 1,
                                         .encoded_bytes = 3 * kMiB,
                                         .unchanged = 2,
                                         .ram_bytes = 750 * kMiB}},
                             .unreadable = 7};
  out.multifd = {{.method = "zstd",
                  .level = 1,
                  .pages = 100,
                  .sampled_pages = 50,
                  .ratio = 4.256,
                  .ratio_error = 0.1,
                  .cpu_us_per_page = 9.87,
                  .ram_bytes = 200 * kMiB,
                  .ram_bytes_error = kMiB / 2}};
  return out;
}

} // namespace

TEST_CASE("the documented keys of what if") {
  CHECK(what_if_json({}).is_null());
  auto out = what_if_json(everything());
  CHECK(out.keys() ==
        Keys{"ram_bytes", "unchanged", "xbzrle", "no_xbzrle", "multifd"});
  CHECK(out.get("unchanged").dump() ==
        R"({"pages":512,"bytes":2097152,"zero_pages":3,"zero_bytes":27})");
  CHECK(out.get("xbzrle").dump() ==
        R"({"caches":[{"cache_bytes":67108864,"hits":5,"misses":4,)"
        R"("unchanged":2,"overflows":1,"encoded_bytes":3145728,)"
        R"("ram_bytes":786432000}],"unreadable":7})");
  CHECK(out.get("multifd").elements()[0].keys() ==
        Keys{"method", "level", "pages", "sampled_pages", "ratio",
             "ratio_error", "cpu_us_per_page", "cpu_us_error", "ram_bytes",
             "ram_bytes_error"});
  CHECK(out.get("multifd").elements()[0].get("cpu_us_error").is_null());
}

TEST_CASE("what if, for a terminal") {
  CHECK(what_if_text(everything()) == R"(
what if: 1000.0 MiB of RAM were sent, these pages would have taken

xbzrle MiB  hits  misses  same  overflow  encoded  RAM MiB  saved
        64     5       4     2         1      3.0    750.0  25.0 %
7 re-sent pages could not be read and count as sent whole

pages tried         ratio  us a page       RAM MiB  saved by multifd with
  50 of 100  4.26 +- 0.10   9.9 +- ?  200.0 +- 0.5  zstd 1: 80.0 %

sent although unchanged: 512 pages, 2.0 MiB; and 3 zero pages, 0.0 MiB
)");
}

TEST_CASE("figures as large as can be stay within a terminal's columns") {
  WhatIf found = everything();
  found.xbzrle->caches[0] = {.cache_bytes = 1ull << 50,
                             .hits = 99'999'999,
                             .misses = 99'999'999,
                             .overflows = 99'999'999,
                             .encoded_bytes = kMiB << 20,
                             .unchanged = 99'999'999,
                             .ram_bytes = kMiB << 20};
  std::istringstream text(what_if_text(found));
  for (std::string line; std::getline(text, line);)
    CHECK(line.size() <= 80);
}

TEST_CASE("why there is nothing of xbzrle is said in its place") {
  WhatIf found = everything();
  found.xbzrle.reset();
  found.no_xbzrle = "it is a postcopy";
  found.multifd.clear();
  CHECK(what_if_text(found) == R"(
what if: 1000.0 MiB of RAM were sent, these pages would have taken

xbzrle: it is a postcopy

sent although unchanged: 512 pages, 2.0 MiB; and 3 zero pages, 0.0 MiB
)");
}
