#include "base/counted.h"
#include "tools/render/text_layout.h"
#include "tools/render/what_if.h"

#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

std::string mib(uint64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / (1 << 20));
}

std::string saved(const WhatIf& found, uint64_t ram_bytes) {
  if (found.ram_bytes == 0)
    return "?";
  return fmt::format("{:.1f} %",
                     100 - 100 * static_cast<double>(ram_bytes) /
                               static_cast<double>(found.ram_bytes));
}

std::string with_error(const std::string& value,
                       const std::optional<std::string>& error) {
  return value + " +- " + error.value_or("?");
}

std::string xbzrle_table(const WhatIf& found) {
  if (!found.xbzrle)
    return wrap("xbzrle: " + found.no_xbzrle, 2);
  std::vector<Row> rows{{"xbzrle MiB", "hits", "misses", "same", "overflow",
                         "encoded", "RAM MiB", "saved"}};
  for (const XbzrleCache& cache : found.xbzrle->caches)
    rows.push_back({figure(cache.cache_bytes >> 20), figure(cache.hits),
                    figure(cache.misses), figure(cache.unchanged),
                    figure(cache.overflows), mib(cache.encoded_bytes),
                    mib(cache.ram_bytes), saved(found, cache.ram_bytes)});
  std::string out = table(rows);
  if (found.xbzrle->unreadable > 0)
    out += wrap(fmt::format("{} re-sent pages could not be read and count as "
                            "sent whole",
                            found.xbzrle->unreadable),
                2);
  return out;
}

std::string number(double value, int digits) {
  return fmt::format("{:.{}f}", value, digits);
}

std::optional<std::string> number(std::optional<double> value, int digits) {
  return value ? std::optional(number(*value, digits)) : std::nullopt;
}

std::string multifd_table(const WhatIf& found) {
  if (found.multifd.empty())
    return "";
  std::vector<Row> rows{{"pages tried", "ratio", "us a page", "RAM MiB",
                         "saved by multifd with"}};
  for (const PackedSavings& packed : found.multifd) {
    std::optional<std::string> bytes_error;
    if (packed.ram_bytes_error)
      bytes_error = mib(*packed.ram_bytes_error);
    rows.push_back(
        {fmt::format("{} of {}", packed.sampled_pages, packed.pages),
         with_error(number(packed.ratio, 2), number(packed.ratio_error, 2)),
         with_error(number(packed.cpu_us_per_page, 1),
                    number(packed.cpu_us_error, 1)),
         with_error(mib(packed.ram_bytes), bytes_error),
         fmt::format("{} {}: {}", packed.method, packed.level,
                     saved(found, packed.ram_bytes))});
  }
  return "\n" + table(rows);
}

std::string unchanged_line(const UnchangedSends& unchanged) {
  return wrap(fmt::format("sent although unchanged: {}, {} MiB; and {}, {} MiB",
                          counted(unchanged.pages, "page"),
                          mib(unchanged.bytes),
                          counted(unchanged.zero_pages, "zero page"),
                          mib(unchanged.zero_bytes)),
              2);
}

} // namespace

std::string what_if_text(const WhatIf& found) {
  return fmt::format("\nwhat if: {} MiB of RAM were sent, these pages would "
                     "have taken\n\n",
                     mib(found.ram_bytes)) +
         xbzrle_table(found) + multifd_table(found) + "\n" +
         unchanged_line(found.unchanged);
}

} // namespace migscope::tools
