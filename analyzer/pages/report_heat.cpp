#include "analyzer/pages/report_heat.h"

#include "analyzer/pages/owned_stretches.h"
#include "analyzer/stream_model.h"

#include <algorithm>
#include <map>

namespace migscope::analyzer {
namespace {

// Beyond that several rounds share a column.
constexpr size_t kMostColumns = 128;
constexpr size_t kMostOwners = 3; // of a bin

// The pause keeps a column of its own.
std::vector<HeatColumn> columns_of(const RoundsOfPages& rounds) {
  size_t count = rounds.first_sections.size();
  if (count == 0)
    return {HeatColumn{}};
  size_t live = count - (rounds.ends_in_pause ? 1 : 0);
  size_t most = kMostColumns - 1;
  size_t step = std::max<size_t>(1, (live + most - 1) / most);
  std::vector<HeatColumn> out;
  for (size_t first = 0; first < live; first += step)
    out.push_back({first + 1, std::min(first + step, live), false});
  if (rounds.ends_in_pause)
    out.push_back({count, count, true});
  return out;
}

// First section of each column.
std::vector<size_t> begins_of(const std::vector<HeatColumn>& columns,
                              const RoundsOfPages& rounds) {
  std::vector<size_t> out;
  for (const HeatColumn& column : columns)
    out.push_back(column.first_round == 0
                      ? 0
                      : rounds.first_sections[column.first_round - 1]);
  return out;
}

using Cells = std::map<std::pair<size_t, size_t>, HeatCount>; // column, bin

Cells sum(const HeatCounter& heat, const std::vector<size_t>& begins) {
  Cells out;
  heat.for_each([&](uint32_t section, size_t bin, const HeatCount& count) {
    // Of columns that begin with the same section only the last sent it.
    auto after = std::ranges::upper_bound(begins, size_t{section});
    auto column = static_cast<size_t>(after - begins.begin()) - 1;
    HeatCount& cell = out[{column, bin}];
    cell.pages += count.pages;
    cell.resent += count.resent;
  });
  return out;
}

HeatBin bin_at(const StreamModel& model, const GuestLayout& layout,
               size_t block, uint64_t address, uint64_t unit_bytes) {
  HeatBin out;
  out.block = model.blocks()[block].name;
  out.address = address;
  out.bytes = std::min(unit_bytes, model.blocks()[block].bytes - address);
  out.guest_address = guest_address(layout, block, address, out.bytes);
  return out;
}

std::vector<BinOwner> largest(const std::map<std::string, BinOwner>& owners) {
  std::vector<BinOwner> out;
  for (const auto& [name, owner] : owners) {
    out.push_back(owner);
    out.back().name = name;
  }
  std::ranges::stable_sort(out, std::greater(), [](const BinOwner& owner) {
    return std::pair(owner.resent_pages, owner.pages);
  });
  out.resize(std::min(out.size(), kMostOwners));
  return out;
}

// `index`: of each bin of the counter its place in `bins`.
void add_owners(std::vector<HeatBin>& bins, const std::vector<size_t>& index,
                const StreamModel& model, const GuestLayout& layout,
                const Owners& owners) {
  const HeatCounter& heat = model.heat();
  const uint64_t page_size = model.ledger().page_size();
  const size_t columns = owners.columns.size();
  for (size_t block = 0; block < model.ledger().blocks(); ++block) {
    auto stretches = owned_stretches(block, layout, owners);
    auto at = stretches.begin();
    std::map<std::string, BinOwner> costs;
    std::optional<size_t> open; // bin that they are of
    auto close = [&] {
      if (open)
        bins[index[*open]].owners = largest(costs);
      costs.clear();
    };
    model.ledger().for_each_sent(block, [&](uint64_t page,
                                            const PageState& state) {
      size_t bin = heat.first_bins()[block] + page / heat.unit_pages();
      if (open != bin)
        close();
      open = bin;
      uint64_t start = page * page_size;
      while (at != stretches.end() && at->end <= start)
        ++at;
      if (at == stretches.end() || at->start >= start + page_size)
        return;
      BinOwner& cost = costs[owners.names[0][owners.ids[at->range * columns]]];
      ++cost.pages;
      cost.resent_pages += state.sends - 1u;
    });
    close();
  }
}

} // namespace

std::optional<HeatMap> report_heat(const StreamModel& model,
                                   const RoundsOfPages& rounds,
                                   const GuestLayout& layout,
                                   const Owners* owners) {
  const HeatCounter& heat = model.heat();
  if (!heat.complete())
    return {};
  HeatMap out;
  out.unit_bytes = heat.unit_pages() * model.ledger().page_size();
  out.columns = columns_of(rounds);
  Cells cells = sum(heat, begins_of(out.columns, rounds));
  std::vector<char> sent(heat.bins());
  for (const auto& [place, count] : cells)
    sent[place.second] = true;
  std::vector<size_t> index(heat.bins());
  for (size_t bin = 0, block = 0; bin < sent.size(); ++bin) {
    while (block + 1 < heat.first_bins().size() &&
           heat.first_bins()[block + 1] <= bin)
      ++block;
    index[bin] = out.bins.size();
    if (sent[bin])
      out.bins.push_back(bin_at(
          model, layout, block,
          (bin - heat.first_bins()[block]) * out.unit_bytes, out.unit_bytes));
  }
  for (const auto& [place, count] : cells)
    out.cells.push_back(
        {place.first, index[place.second], count.pages, count.resent});
  if (owners)
    add_owners(out.bins, index, model, layout, *owners);
  return out;
}

} // namespace migscope::analyzer
