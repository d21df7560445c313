#include "tools/render/pages_text.h"

#include "base/counted.h"
#include "tools/render/text_layout.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kMostRegions = 12;
constexpr size_t kMostSets = 12;
constexpr uint64_t kTextUnit = 2u << 20; // whose regions are listed

std::string place(const std::string& block, uint64_t address, uint64_t bytes,
                  std::optional<uint64_t> guest_address) {
  return fmt::format("{} {:#x} ({}){}", printable(block), address,
                     format_bytes(bytes),
                     guest_address && *guest_address != address
                         ? fmt::format(", guest {:#x}", *guest_address)
                         : "");
}

std::string times(const SendCount& count) {
  return count.from == count.to ? fmt::format("{}", count.from)
                                : fmt::format("{}-{}", count.from, count.to);
}

// "1 x 60351, 2 x 12": how many pages were sent how often.
std::string histogram(const std::vector<SendCount>& counts) {
  constexpr size_t kMostCounts = 20;
  std::string out;
  for (const SendCount& count :
       std::span(counts).first(std::min(counts.size(), kMostCounts)))
    out += fmt::format("{}{} x {}", out.empty() ? "" : ", ", times(count),
                       count.pages);
  return out;
}

// What a table does not show.
std::string more(uint64_t all, size_t most) {
  return all > most ? fmt::format("and {} more (--json)\n", all - most) : "";
}

std::string sends_line(const PageReport& pages) {
  std::string out =
      fmt::format("pages by times sent: {}", histogram(pages.send_counts));
  if (pages.never_sent_pages > 0)
    out += fmt::format("; never sent {}", pages.never_sent_pages);
  if (pages.always_resent_pages && pages.resending_rounds.value_or(0) > 1)
    out += fmt::format("; again in each of {} rounds {}",
                       *pages.resending_rounds, *pages.always_resent_pages);
  return wrap(out, 2);
}

std::string contents_line(const PageReport& pages) {
  if (!pages.contents || pages.contents->pages == 0)
    return "";
  const Contents& contents = *pages.contents;
  uint64_t more = contents.pages - std::min(contents.pages, contents.distinct);
  return wrap(fmt::format("contents: {} of zeros, {} others hold {}{} "
                          "different contents{}, so {:.1f} % are duplicates",
                          counted(pages.zero_pages, "page"), contents.pages,
                          contents.error > 0 ? "about " : "", contents.distinct,
                          contents.error > 0
                              ? fmt::format(" (+-{:.0f})", contents.error)
                              : "",
                          100 * static_cast<double>(more) /
                              static_cast<double>(contents.pages)),
              2);
}

std::string working_sets_table(const PageReport& pages, uint32_t page_size) {
  if (pages.working_sets.empty())
    return "";
  std::vector<Row> rows{{"mean ms", "MiB", "largest", "writable working set"}};
  auto mib = [&](double count) {
    return fmt::format("{:.1f}", count * page_size / (1 << 20));
  };
  for (const WorkingSet& set : pages.working_sets)
    rows.push_back({figure(set.mean_ms, 0), mib(set.mean_pages),
                    mib(static_cast<double>(set.max_pages)),
                    "of " + counted(set.rounds, "round", "rounds in a row")});
  return "\n" + table(shortened(std::move(rows), kMostSets));
}

std::string hot_table(const PageReport& pages) {
  auto found =
      std::ranges::find(pages.hot_regions, kTextUnit, &HotRegions::unit_bytes);
  if (found == pages.hot_regions.end() || found->regions.empty())
    return "";
  std::vector<Row> rows{
      {"re-sent", "hot pages", "sent", "in pause", "hottest regions"}};
  for (const HotRegion& region : found->regions)
    if (rows.size() <= kMostRegions)
      rows.push_back({figure(std::optional(region.resent_pages)),
                      figure(std::optional(region.hot_pages)),
                      figure(std::optional(region.sent_pages)),
                      figure(region.stop_copy_pages),
                      place(region.block, region.address, region.bytes,
                            region.guest_address)});
  return "\n" + table(rows) +
         more(found->regions.size() + found->more_regions, kMostRegions);
}

std::string age_line(const StopCopyPages& pause) {
  std::string out = fmt::format("pages in the pause: {} never sent before",
                                pause.first_time_pages);
  // The newest first; all that is older in one figure.
  constexpr size_t kMostRounds = 4;
  uint64_t older = 0;
  size_t told = 0;
  for (auto it = pause.last_sent.rbegin(); it != pause.last_sent.rend(); ++it)
    if (told++ < kMostRounds)
      out += fmt::format(", {} last sent in round {}", it->pages, it->round);
    else
      older += it->pages;
  if (older > 0)
    out += fmt::format(", {} before", older);
  return wrap(out + "; by times sent: " + histogram(pause.send_counts), 2);
}

std::string pause_table(const StopCopyPages& pause) {
  if (pause.regions.empty())
    return "";
  std::vector<Row> rows{{"KiB", "pages", "ms", "regions in the pause"}};
  for (const StopCopyRegion& region : pause.regions)
    if (rows.size() <= kMostRegions)
      rows.push_back(
          {fmt::format("{:.1f}", static_cast<double>(region.wire_bytes) / 1024),
           figure(std::optional(region.pages)), figure(region.ms, 2),
           place(region.block, region.address, region.bytes,
                 region.guest_address)});
  return "\n" + table(rows) +
         more(pause.regions.size() + pause.more_regions, kMostRegions);
}

Row owner_row(const OwnerCost& cost, const std::string& name) {
  return {
      fmt::format("{:.1f}", static_cast<double>(cost.stop_copy_bytes) / 1024),
      figure(std::optional(cost.stop_copy_pages)),
      figure(std::optional(cost.resent_pages)),
      figure(std::optional(cost.hot_pages)),
      figure(std::optional(cost.pages)),
      printable(name)};
}

std::string owners_table(const OwnerRanking& ranking) {
  constexpr size_t kMostOwners = 15;
  std::vector<Row> rows{{"KiB in pause", "pages", "re-sent", "hot", "sent",
                         printable(ranking.column)}};
  for (const OwnerCost& cost : ranking.owners)
    if (rows.size() <= kMostOwners)
      rows.push_back(owner_row(cost, cost.name));
  if (ranking.unowned.pages > 0)
    rows.push_back(owner_row(ranking.unowned, "(in no range)"));
  return "\n" + table(rows) +
         more(ranking.owners.size() + ranking.more_owners, kMostOwners);
}

} // namespace

std::string pages_text(const PageReport& pages, uint32_t page_size) {
  std::string out = "\n" + sends_line(pages) + contents_line(pages);
  if (pages.stop_copy)
    out += age_line(*pages.stop_copy);
  out += working_sets_table(pages, page_size) + hot_table(pages);
  if (pages.stop_copy)
    out += pause_table(*pages.stop_copy);
  for (const OwnerRanking& ranking : pages.owners)
    out += owners_table(ranking);
  return out;
}

} // namespace migscope::tools
