#include "base/counted.h"
#include "tools/render/text_layout.h"
#include "tools/report/cells.h"
#include "tools/report/sections.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace migscope::tools {

using namespace analyzer;

namespace {

// The analysis keeps about 512 and one for each block; a real guest has few
// blocks.
constexpr size_t kMostBins = 768;
// About ten bytes each, and as many as a map of 64 rounds has if all memory is
// sent in each.
constexpr size_t kMostCells = 32768;
constexpr size_t kMostRows = 24;

// By guest-physical address; what has none comes last, as it is.
bool lies_before(const HeatBin& a, const HeatBin& b) {
  if (a.guest_address && b.guest_address)
    return *a.guest_address < *b.guest_address;
  return a.guest_address.has_value() && !b.guest_address;
}

// Those that were sent most.
std::vector<char> chosen(const HeatMap& map) {
  std::vector<uint64_t> pages(map.bins.size());
  for (const HeatCell& cell : map.cells)
    pages[cell.bin] += cell.pages;
  std::vector<size_t> order(map.bins.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::ranges::stable_sort(order, std::greater(),
                           [&](size_t bin) { return pages[bin]; });
  std::vector<char> out(map.bins.size());
  for (size_t i = 0; i < order.size() && i < kMostBins; ++i)
    out[order[i]] = true;
  return out;
}

bool by_place(const HeatCell& a, const HeatCell& b) {
  return std::pair(a.column, a.bin) < std::pair(b.column, b.bin);
}

// Two columns each become one, but for the pause.
HeatMap halved(const HeatMap& map) {
  HeatMap out{map.unit_bytes, {}, map.bins, {}};
  std::vector<size_t> to;
  for (const HeatColumn& column : map.columns) {
    bool joins = to.size() % 2 == 1 && !column.pause;
    if (joins)
      out.columns.back().last_round = column.last_round;
    else
      out.columns.push_back(column);
    to.push_back(out.columns.size() - 1);
  }
  for (HeatCell cell : map.cells) {
    cell.column = to[cell.column];
    out.cells.push_back(cell);
  }
  std::ranges::stable_sort(out.cells, by_place);
  size_t kept = 0;
  for (const HeatCell& cell : out.cells) {
    HeatCell* last = kept > 0 ? &out.cells[kept - 1] : nullptr;
    if (last && last->column == cell.column && last->bin == cell.bin) {
      last->pages += cell.pages;
      last->resent_pages += cell.resent_pages;
    } else {
      out.cells[kept++] = cell;
    }
  }
  out.cells.resize(kept);
  return out;
}

DataTable blocks_table(const Ram& ram) {
  DataTable out{"RAM blocks",
                {{"block", false},
                 {"MiB"},
                 {"pages"},
                 {"sent"},
                 {"different"},
                 {"re-sent"},
                 {"in the pause"}},
                {}};
  for (const BlockTotals& block : ram.blocks)
    if (block.sent_pages > 0)
      out.rows.push_back({word(block.name), mib(block.bytes),
                          count(block.pages), count(block.sent_pages),
                          count(block.unique_pages), count(block.resent_pages),
                          count(block.stop_copy_pages)});
  out.rows = some_rows(std::move(out.rows), 2 * kMostRows);
  return out;
}

DataTable hot_table(const HotRegions& hot) {
  DataTable out{fmt::format("Hottest stretches, in units of {}",
                            format_bytes(hot.unit_bytes)),
                {{"re-sent"},
                 {"hot pages"},
                 {"in the pause"},
                 {"guest address"},
                 {"size"},
                 {"block", false},
                 {"offset"}},
                {}};
  const uint64_t most =
      hot.regions.empty() ? 0 : hot.regions.front().resent_pages;
  uint64_t more = hot.more_regions, more_resent = hot.more_resent_pages;
  for (const HotRegion& region : hot.regions) {
    if (out.rows.size() == kMostRows) {
      ++more;
      more_resent += region.resent_pages;
      continue;
    }
    out.rows.push_back({bar(count(region.resent_pages),
                            static_cast<double>(region.resent_pages),
                            static_cast<double>(most)),
                        count(region.hot_pages), count(region.stop_copy_pages),
                        address(region.guest_address),
                        word(format_bytes(region.bytes)), word(region.block),
                        address(region.address)});
  }
  if (more > 0)
    out.note = fmt::format("{} more with {}.", more,
                           counted(more_resent, "re-sent page"));
  return out;
}

DataTable owners_table(const OwnerRanking& ranking) {
  DataTable out{fmt::format("Whose pages, by {}", ranking.column),
                {{ranking.column, false},
                 {"pages"},
                 {"hot pages"},
                 {"re-sent"},
                 {"in the pause"},
                 {"KiB in the pause"}},
                {}};
  auto row = [](const OwnerCost& cost, std::string name) {
    return std::vector<Cell>{
        word(std::move(name)),
        count(cost.pages),
        count(cost.hot_pages),
        count(cost.resent_pages),
        count(cost.stop_copy_pages),
        decimal(static_cast<double>(cost.stop_copy_bytes) / 1024)};
  };
  for (const OwnerCost& cost : ranking.owners)
    if (out.rows.size() < kMostRows)
      out.rows.push_back(row(cost, cost.name));
  out.rows.push_back(row(ranking.unowned, "(in no range)"));
  size_t more = ranking.owners.size() -
                std::min(ranking.owners.size(), kMostRows) +
                ranking.more_owners;
  if (more > 0)
    out.note =
        counted(more, "more owner") + "; analyze --json has more of them.";
  return out;
}

DataTable sets_table(const std::vector<WorkingSet>& sets) {
  DataTable out{"The writable working set",
                {{"rounds in a row"},
                 {"for about ms"},
                 {"pages, on average"},
                 {"pages, at most"}},
                {}};
  for (const WorkingSet& set : sets)
    out.rows.push_back({count(set.rounds), decimal(set.mean_ms),
                        decimal(set.mean_pages, 0), count(set.max_pages)});
  out.note = "Different pages that the guest dirtied in so many rounds.";
  return out;
}

} // namespace

std::optional<HeatMap> heat_data(const Analysis& analysis) {
  if (!analysis.heat_map || analysis.heat_map->cells.empty())
    return {};
  const HeatMap& map = *analysis.heat_map;
  std::vector<char> keep = chosen(map);
  std::vector<size_t> order;
  for (size_t bin = 0; bin < map.bins.size(); ++bin)
    if (keep[bin])
      order.push_back(bin);
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return lies_before(map.bins[a], map.bins[b]);
  });
  HeatMap out{map.unit_bytes, map.columns, {}, {}};
  std::vector<size_t> row(map.bins.size());
  for (size_t bin : order) {
    row[bin] = out.bins.size();
    out.bins.push_back(map.bins[bin]);
  }
  for (const HeatCell& cell : map.cells)
    if (keep[cell.bin])
      out.cells.push_back(
          {cell.column, row[cell.bin], cell.pages, cell.resent_pages});
  std::ranges::stable_sort(out.cells, by_place);
  while (out.cells.size() > kMostCells)
    out = halved(out);
  return out;
}

Section memory_section(const Analysis& analysis) {
  Section out{"memory", "Memory", "", "", {}, {}};
  if (!analysis.ram) {
    out.lead = "Without the stream nothing tells which pages were sent.";
    return out;
  }
  if (analysis.heat_map && !analysis.heat_map->cells.empty()) {
    const HeatMap& map = *analysis.heat_map;
    const bool by_round = map.columns.front().first_round > 0;
    out.chart = "heat";
    out.lead = fmt::format(
        "How much of each {} was sent{}, from the lowest address down.",
        format_bytes(map.unit_bytes), by_round ? ", by round" : "");
  }
  if (analysis.pages) {
    for (const HotRegions& hot : analysis.pages->hot_regions)
      if (!hot.regions.empty() && hot.unit_bytes == (2u << 20))
        out.tables.push_back(hot_table(hot));
    for (const OwnerRanking& ranking : analysis.pages->owners)
      out.tables.push_back(owners_table(ranking));
    if (!analysis.pages->working_sets.empty())
      out.tables.push_back(sets_table(analysis.pages->working_sets));
  }
  out.tables.push_back(blocks_table(*analysis.ram));
  return out;
}

} // namespace migscope::tools
