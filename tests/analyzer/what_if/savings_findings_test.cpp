#include "analyzer/what_if/savings_findings.h"

#include <doctest/doctest.h>

using namespace migscope::analyzer;

namespace {

constexpr uint64_t kMiB = 1u << 20;

std::vector<std::string> found(const WhatIf& what_if) {
  Analysis analysis;
  analysis.what_if = what_if;
  add_savings_findings(analysis);
  std::vector<std::string> out;
  for (const Finding& finding : analysis.findings)
    out.push_back(finding.text);
  return out;
}

WhatIf with_caches(std::vector<XbzrleCache> caches) {
  WhatIf out{.ram_bytes = 1000 * kMiB};
  out.xbzrle = XbzrleSavings{.caches = std::move(caches)};
  return out;
}

XbzrleCache cache(uint64_t mib, uint64_t ram_mib) {
  return {.cache_bytes = mib * kMiB, .ram_bytes = ram_mib * kMiB};
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("the smallest cache that saves all there is to save is named") {
  CHECK(found(with_caches({cache(64, 900), cache(128, 595), cache(256, 590),
                           cache(512, 589)})) ==
        Texts{"xbzrle with a cache of 128 MiB would have sent 40 % less RAM "
              "for these pages, 595.0 MiB instead of 1000.0; a larger one "
              "hardly less; with 64 MiB it is 10 %"});
  CHECK(found(with_caches({cache(64, 500)})) ==
        Texts{"xbzrle with a cache of 64 MiB would have sent 50 % less RAM "
              "for these pages, 500.0 MiB instead of 1000.0"});
}

TEST_CASE("xbzrle that saves nothing is told of where it had pages to try") {
  XbzrleCache largest = cache(64, 1000);
  CHECK(found(with_caches({largest})).empty());
  largest.hits = 50000;
  largest.overflows = 49000;
  CHECK(found(with_caches({largest})) ==
        Texts{"xbzrle would have saved 0.0 % at the most: 49000 of 50000 pages "
              "in the largest cache had changed too much"});
}

TEST_CASE("compression is told of with its error, where it saves") {
  WhatIf what_if{.ram_bytes = 1000 * kMiB};
  what_if.multifd = {{.method = "zlib", .ram_bytes = 990 * kMiB},
                     {.method = "zstd",
                      .cpu_us_per_page = 8.25,
                      .ram_bytes = 250 * kMiB,
                      .ram_bytes_error = 3 * kMiB}};
  CHECK(found(what_if) ==
        Texts{"multifd with zstd would have sent 75 % less RAM for these "
              "pages, 250.0 +- 3.0 MiB instead of 1000.0, for 8.2 us of CPU a "
              "page here"});
}

TEST_CASE("what had not changed is told of where it was much") {
  WhatIf what_if{.ram_bytes = 1000 * kMiB};
  what_if.unchanged = {.bytes = 40 * kMiB, .zero_bytes = 9 * kMiB};
  CHECK(found(what_if).empty());
  what_if.unchanged.bytes = 141 * kMiB;
  CHECK(found(what_if) ==
        Texts{"leaving out pages that had not changed would have sent 15 % "
              "less RAM, 150.0 MiB of 1000.0"});
}
