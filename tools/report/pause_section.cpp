#include "base/counted.h"
#include "tools/render/text_layout.h"
#include "tools/report/cells.h"
#include "tools/report/sections.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

constexpr size_t kMostRows = 24;

DataTable regions_table(const StopCopyPages& pages) {
  DataTable out{"Where its pages lie",
                {{"KiB"},
                 {"pages"},
                 {"ms"},
                 {"guest address"},
                 {"block", false},
                 {"offset"}},
                {}};
  double most = 0;
  for (const StopCopyRegion& region : pages.regions)
    most = std::max(most, static_cast<double>(region.wire_bytes));
  uint64_t more = pages.more_regions, more_bytes = pages.more_wire_bytes;
  for (const StopCopyRegion& region : pages.regions) {
    auto bytes = static_cast<double>(region.wire_bytes);
    if (out.rows.size() == kMostRows) {
      ++more;
      more_bytes += region.wire_bytes;
      continue;
    }
    out.rows.push_back({bar(decimal(bytes / 1024), bytes, most),
                        count(region.pages), decimal(region.ms, 2),
                        address(region.guest_address), word(region.block),
                        address(region.address)});
  }
  if (more > 0)
    out.note = fmt::format("{} more with {}.", more, format_bytes(more_bytes));
  return out;
}

// Cold ones were last sent long ago: the guest wrote to them only now.
DataTable hotness_table(const StopCopyPages& pages) {
  DataTable out{"How hot its pages had been",
                {{"pages"}, {"before the pause", false}},
                {}};
  uint64_t most = pages.first_time_pages;
  for (const LastSent& last : pages.last_sent)
    most = std::max(most, last.pages);
  auto row = [&](uint64_t number, std::string what) {
    return std::vector<Cell>{bar(count(number), static_cast<double>(number),
                                 static_cast<double>(most)),
                             word(std::move(what))};
  };
  for (const LastSent& last : pages.last_sent)
    out.rows.push_back(
        row(last.pages, fmt::format("sent last in round {}", last.round)));
  out.rows = some_rows(std::move(out.rows), kMostRows);
  out.rows.push_back(row(pages.first_time_pages, "never sent before"));
  return out;
}

DataTable counts_table(const StopCopyPages& pages) {
  DataTable out{
      "How often they were sent in all", {{"pages"}, {"times", false}}, {}};
  uint64_t most = 0;
  for (const SendCount& sends : pages.send_counts)
    most = std::max(most, sends.pages);
  for (const SendCount& sends : pages.send_counts)
    out.rows.push_back(
        {bar(count(sends.pages), static_cast<double>(sends.pages),
             static_cast<double>(most)),
         word(sends.from == sends.to
                  ? fmt::format("{}", sends.from)
                  : fmt::format("{} to {}", sends.from, sends.to))});
  return out;
}

double traced_ms(const DeviceState& device) {
  return device.save_ms.value_or(0) + device.load_ms.value_or(0);
}

DataTable devices_table(const StopAndCopy& pause) {
  DataTable out{fmt::format("Device state, {} in {}",
                            format_bytes(pause.device_bytes),
                            counted(pause.devices.size(), "section")),
                {{"bytes"},
                 {"save ms"},
                 {"load ms"},
                 {"at ms"},
                 {"device", false},
                 {"version"}},
                {}};
  std::vector<DeviceState> devices = pause.devices;
  std::ranges::stable_sort(devices, [](const DeviceState& a,
                                       const DeviceState& b) {
    return std::pair(traced_ms(a), a.bytes) > std::pair(traced_ms(b), b.bytes);
  });
  double most = 0;
  for (const DeviceState& device : devices)
    most = std::max(most, static_cast<double>(device.bytes));
  for (const DeviceState& device : devices) {
    auto bytes = static_cast<double>(device.bytes);
    if (out.rows.size() == kMostRows)
      break;
    out.rows.push_back(
        {bar(count(device.bytes), bytes, most), decimal(device.save_ms, 3),
         decimal(device.load_ms, 3), decimal(device.arrived_ms, 2),
         word(fmt::format("{}/{}{}", device.name, device.instance_id,
                          device.in_pause ? "" : " (before the pause)")),
         count(device.version)});
  }
  if (devices.size() > kMostRows)
    out.note = fmt::format("{} more; analyze --json has them all.",
                           devices.size() - kMostRows);
  return out;
}

DataTable iterables_table(const std::vector<IterableState>& states) {
  DataTable out{"State that was sent in pieces",
                {{"bytes"}, {"sections"}, {"of", false}},
                {}};
  for (const IterableState& state : states)
    out.rows.push_back(
        {count(state.bytes), count(state.sections),
         word(fmt::format("{}/{}", state.name, state.instance_id))});
  out.rows = some_rows(std::move(out.rows), kMostRows);
  return out;
}

} // namespace

Section pause_section(const Analysis& analysis) {
  Section out{"composition", "What was sent in the pause", "", "", {}, {}};
  if (analysis.stop_and_copy) {
    const StopAndCopy& pause = *analysis.stop_and_copy;
    out.lead = fmt::format(
        "{} of RAM, {} of them zero: {}; and {} of device state.",
        counted(pause.pages, "page"), pause.zero_pages,
        format_bytes(pause.bytes), format_bytes(pause.device_bytes));
  } else {
    out.lead = "Nothing tells what was sent with the guest stopped.";
  }
  if (analysis.pages && analysis.pages->stop_copy) {
    const StopCopyPages& pages = *analysis.pages->stop_copy;
    if (!pages.regions.empty())
      out.tables.push_back(regions_table(pages));
    out.tables.push_back(hotness_table(pages));
    if (!pages.send_counts.empty())
      out.tables.push_back(counts_table(pages));
  }
  if (analysis.stop_and_copy && !analysis.stop_and_copy->devices.empty())
    out.tables.push_back(devices_table(*analysis.stop_and_copy));
  if (!analysis.iterables.empty())
    out.tables.push_back(iterables_table(analysis.iterables));
  return out;
}

} // namespace migscope::tools
