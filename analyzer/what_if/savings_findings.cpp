#include "analyzer/what_if/savings_findings.h"

#include "base/units.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace migscope::analyzer {
namespace {

constexpr double kWorthIt = 0.05; // of what was sent

// As a share of what was sent; less than 0 where more would have been.
double saved(const WhatIf& found, uint64_t ram_bytes) {
  return found.ram_bytes == 0 ? 0
                              : 1 - static_cast<double>(ram_bytes) /
                                        static_cast<double>(found.ram_bytes);
}

std::string cache_size(const XbzrleCache& cache) {
  return fmt::format("{} MiB", cache.cache_bytes >> 20);
}

// The smallest cache that saves as much as any, but for a hundredth of what was
// sent.
const XbzrleCache& best(const WhatIf& found) {
  const auto& caches = found.xbzrle->caches;
  auto sent = [](const XbzrleCache& cache) { return cache.ram_bytes; };
  uint64_t least = std::ranges::min(caches, {}, sent).ram_bytes;
  return *std::ranges::find_if(caches, [&](const XbzrleCache& cache) {
    return cache.ram_bytes <= least + found.ram_bytes / 100;
  });
}

Finding useful_xbzrle(const WhatIf& found, const XbzrleCache& cache) {
  const auto& caches = found.xbzrle->caches;
  std::string text = fmt::format(
      "xbzrle with a cache of {} would have sent {:.0f} % less RAM for these "
      "pages, {:.1f} MiB instead of {:.1f}",
      cache_size(cache), 100 * saved(found, cache.ram_bytes),
      mib(cache.ram_bytes), mib(found.ram_bytes));
  if (cache.cache_bytes != caches.back().cache_bytes)
    text += "; a larger one hardly less";
  if (cache.cache_bytes != caches.front().cache_bytes)
    text += fmt::format("; with {} it is {:.0f} %", cache_size(caches.front()),
                        100 * saved(found, caches.front().ram_bytes));
  return {"what-if-xbzrle", Severity::info, text,
          "every page of the stream against what was sent for it before, "
          "encoded as QEMU does"};
}

std::optional<Finding> xbzrle_finding(const WhatIf& found, uint32_t page_size) {
  if (!found.xbzrle || found.xbzrle->caches.empty())
    return {};
  const XbzrleCache& cache = best(found);
  if (saved(found, cache.ram_bytes) >= kWorthIt)
    return useful_xbzrle(found, cache);
  const XbzrleCache& largest = found.xbzrle->caches.back();
  auto held = static_cast<double>(largest.hits * page_size);
  if (held < 2 * kWorthIt * static_cast<double>(found.ram_bytes))
    return {};
  uint64_t least =
      std::ranges::min(found.xbzrle->caches, {}, &XbzrleCache::ram_bytes)
          .ram_bytes;
  std::string text = fmt::format("xbzrle would have saved {:.1f} % at the most",
                                 std::max(0.0, 100 * saved(found, least)));
  if (largest.overflows > largest.hits / 2)
    text += fmt::format(": {} of {} pages in the largest cache had changed too "
                        "much",
                        largest.overflows, largest.hits);
  return Finding{
      "what-if-xbzrle", Severity::info, text,
      "every page of the stream against what was sent for it before, encoded "
      "as QEMU does"};
}

std::optional<Finding> packed_finding(const WhatIf& found,
                                      const PackedSavings& packed) {
  double share = saved(found, packed.ram_bytes);
  if (share < kWorthIt)
    return {};
  std::string error =
      packed.ram_bytes_error
          ? fmt::format(" +- {:.1f}", mib(*packed.ram_bytes_error))
          : "";
  return Finding{
      "what-if-" + packed.method, Severity::info,
      fmt::format("multifd with {} would have sent {:.0f} % less RAM for these "
                  "pages, {:.1f}{} MiB instead of {:.1f}, for {:.1f} us of CPU "
                  "a page here",
                  packed.method, 100 * share, mib(packed.ram_bytes), error,
                  mib(found.ram_bytes), packed.cpu_us_per_page),
      fmt::format("{} of {} pages compressed", packed.sampled_pages,
                  packed.pages)};
}

std::optional<Finding> unchanged_finding(const WhatIf& found) {
  uint64_t bytes = found.unchanged.bytes + found.unchanged.zero_bytes;
  double share = 1 - saved(found, bytes);
  if (share < kWorthIt)
    return {};
  return Finding{
      "what-if-unchanged", Severity::info,
      fmt::format("leaving out pages that had not changed would "
                  "have sent {:.0f} % less RAM, {:.1f} MiB of {:.1f}",
                  100 * share, mib(bytes), mib(found.ram_bytes)),
      "XXH3 of each page's content against what was sent for it "
      "before"};
}

} // namespace

void add_savings_findings(Analysis& analysis) {
  const WhatIf& found = *analysis.what_if;
  uint32_t page_size = analysis.vm.page_size.value_or(4096);
  auto add = [&](const std::optional<Finding>& finding) {
    if (finding)
      analysis.findings.push_back(*finding);
  };
  add(xbzrle_finding(found, page_size));
  for (const PackedSavings& packed : found.multifd)
    add(packed_finding(found, packed));
  add(unchanged_finding(found));
}

} // namespace migscope::analyzer
