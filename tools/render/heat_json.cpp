#include "tools/render/heat_json.h"

#include "tools/render/json_parts.h"

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

Json column(const HeatColumn& value) {
  std::optional<uint64_t> first, last;
  if (value.first_round > 0) {
    first = value.first_round;
    last = value.last_round;
  }
  return Json::object()
      .set("first_round", first)
      .set("last_round", last)
      .set("pause", value.pause);
}

// Bins that lie one behind the other, in their block and for the guest.
struct Stretch {
  size_t first_bin = 0, bins = 0;
  const HeatBin* first = nullptr;
  uint64_t bytes = 0;
};

bool goes_on(const Stretch& stretch, const HeatBin& bin, uint64_t unit_bytes) {
  const HeatBin& first = *stretch.first;
  if (stretch.bytes != stretch.bins * unit_bytes || bin.block != first.block ||
      bin.address != first.address + stretch.bytes)
    return false;
  if (!bin.guest_address || !first.guest_address)
    return !bin.guest_address && !first.guest_address;
  return *bin.guest_address == *first.guest_address + stretch.bytes;
}

std::vector<Stretch> stretches_of(const HeatMap& map) {
  std::vector<Stretch> out;
  for (size_t i = 0; i < map.bins.size(); ++i) {
    if (out.empty() || !goes_on(out.back(), map.bins[i], map.unit_bytes))
      out.push_back({i, 0, &map.bins[i], 0});
    ++out.back().bins;
    out.back().bytes += map.bins[i].bytes;
  }
  return out;
}

Json stretch(const Stretch& value) {
  return Json::object()
      .set("first_bin", uint64_t{value.first_bin})
      .set("bins", uint64_t{value.bins})
      .set("block", Json::text(value.first->block))
      .set("address", value.first->address)
      .set("guest_address", value.first->guest_address)
      .set("bytes", value.bytes);
}

struct Run {
  HeatCell first;
  size_t bins = 0;
};

std::vector<Run> runs_of(const std::vector<HeatCell>& cells) {
  std::vector<Run> out;
  for (const HeatCell& cell : cells) {
    const HeatCell* first = out.empty() ? nullptr : &out.back().first;
    if (!first || cell.column != first->column ||
        cell.bin != first->bin + out.back().bins ||
        cell.pages != first->pages || cell.resent_pages != first->resent_pages)
      out.push_back({cell, 0});
    ++out.back().bins;
  }
  return out;
}

Json run(const Run& value) {
  return Json::array()
      .add(uint64_t{value.first.column})
      .add(uint64_t{value.first.bin})
      .add(uint64_t{value.bins})
      .add(value.first.pages)
      .add(value.first.resent_pages);
}

Json owners(const std::vector<HeatBin>& bins) {
  Json out = Json::array();
  for (size_t i = 0; i < bins.size(); ++i)
    for (const BinOwner& owner : bins[i].owners)
      out.add(Json::object()
                  .set("bin", uint64_t{i})
                  .set("name", Json::text(owner.name))
                  .set("pages", owner.pages)
                  .set("resent_pages", owner.resent_pages));
  return out;
}

} // namespace

Json heat_map_json(const HeatMap& value) {
  return Json::object()
      .set("unit_bytes", value.unit_bytes)
      .set("columns", list(value.columns, column))
      .set("stretches", list(stretches_of(value), stretch))
      .set("runs", list(runs_of(value.cells), run))
      .set("owners", owners(value.bins));
}

} // namespace migscope::tools
