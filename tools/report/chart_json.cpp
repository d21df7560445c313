#include "tools/report/chart_json.h"

#include "tools/report/escape.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace migscope::tools {

using namespace analyzer;
using qmp::Json;

namespace {

// Of a name from the input; there may be many.
constexpr size_t kMostNameBytes = 120;

template <typename T, typename Render>
Json list(const std::vector<T>& items, Render render) {
  Json out = Json::array();
  for (const T& item : items)
    out.add(render(item));
  return out;
}

// Seven digits are more than a screen shows, and much less text.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value))
    return value;
  double unit = std::pow(10, 6 - std::ceil(std::log10(std::abs(value))));
  double out = std::round(value * unit) / unit;
  return std::isfinite(out) ? out : value;
}

Json name(const std::string& text) {
  return Json::of(std::string_view(clean(text, kMostNameBytes)));
}

Json curve(const Curve& value) {
  Json times = Json::array(), values = Json::array();
  for (double t : value.t_ms)
    times.add(rounded(t));
  for (auto v : value.values)
    values.add(v ? Json::of(rounded(*v)) : Json());
  return Json::object().set("t", times).set("v", values);
}

Json named_time(const NamedTime& value) {
  return Json::object()
      .set("t", rounded(value.t_ms))
      .set("name", name(value.name));
}

Json timeline(const TimelineData& value) {
  return Json::object()
      .set("begin", value.begin_ms)
      .set("end", value.end_ms)
      .set("sent", curve(value.sent))
      .set("dirtied", curve(value.dirtied))
      .set("bandwidth", curve(value.max_bandwidth))
      .set("remaining", curve(value.remaining))
      .set("allowed", curve(value.allowed))
      .set("expected", curve(value.expected_ms))
      .set("limit", curve(value.limit_ms))
      .set("throttle", curve(value.throttle))
      .set("passes", list(value.passes, named_time))
      .set("statuses", list(value.statuses, named_time))
      .set("stop", value.stop_ms)
      .set("resume", value.resume_ms);
}

Json pause_bar(const PauseBar& value) {
  return Json::object()
      .set("name", name(value.name))
      .set("side", name(value.side))
      .set("start", value.start_ms)
      .set("ms", value.duration_ms)
      .set("evidence", Json::of(std::string_view(clean(value.evidence))));
}

Json waterfall(const Waterfall& value) {
  return Json::object()
      .set("bars", list(value.bars, pause_bar))
      .set("total", value.total_ms);
}

Json rounds(const RoundsData& value) {
  return Json::object()
      .set("same_known", value.same_is_known)
      .set("bars", list(value.bars, [](const RoundBar& bar) {
             return Json::object()
                 .set("label", name(bar.label))
                 .set("fresh", bar.fresh)
                 .set("changed", bar.changed)
                 .set("same", bar.same)
                 .set("zero", bar.zero);
           }));
}

// Names stand once, however many places have them. Addresses are text: a
// script's numbers have 53 bits.
class HeatJson {
public:
  Json of(const HeatMap& map) {
    Json bins = list(map.bins, [&](const HeatBin& bin) { return row(bin); });
    Json columns = list(map.columns, [](const HeatColumn& column) {
      return Json::array()
          .add(uint64_t{column.first_round})
          .add(uint64_t{column.last_round})
          .add(column.pause);
    });
    return Json::object()
        .set("unit", map.unit_bytes)
        .set("columns", columns)
        .set("bins", bins)
        .set("names", names_)
        .set("cells", cells(map));
  }

private:
  Json row(const HeatBin& bin) {
    Json owners = Json::array();
    for (const BinOwner& owner : bin.owners)
      owners.add(index(owner.name)).add(owner.pages).add(owner.resent_pages);
    return Json::array()
        .add(index(bin.block))
        .add(hex(bin.address))
        .add(bin.guest_address ? hex(*bin.guest_address) : Json())
        .add(bin.bytes)
        .add(owners);
  }

  // For each column bins ascending: [how many bins on, pages, of these for the
  // first time, ...], which are small numbers mostly.
  static Json cells(const HeatMap& map) {
    Json out = Json::array();
    auto cell = map.cells.begin();
    for (size_t column = 0; column < map.columns.size(); ++column) {
      Json row = Json::array();
      size_t bin = 0;
      for (; cell != map.cells.end() && cell->column == column; ++cell) {
        row.add(uint64_t{cell->bin - bin})
            .add(cell->pages)
            .add(cell->pages - std::min(cell->pages, cell->resent_pages));
        bin = cell->bin;
      }
      out.add(row);
    }
    return out;
  }

  static Json hex(uint64_t value) {
    return Json::of(std::string_view(fmt::format("{:#x}", value)));
  }

  uint64_t index(const std::string& text) {
    auto [at, fresh] = known_.try_emplace(text, known_.size());
    if (fresh)
      names_.add(name(text));
    return at->second;
  }

  Json names_ = Json::array();
  std::map<std::string, uint64_t> known_;
};

Json run(const ChartData& value) {
  return Json::object()
      .set("name", name(value.name))
      .set("waterfall", value.waterfall ? waterfall(*value.waterfall) : Json())
      .set("timeline", value.timeline ? timeline(*value.timeline) : Json())
      .set("rounds", value.rounds ? rounds(*value.rounds) : Json())
      .set("page", value.page_size)
      .set("heat", value.heat ? HeatJson().of(*value.heat) : Json());
}

} // namespace

Json chart_json(const std::vector<ChartData>& charts) {
  return list(charts, run);
}

} // namespace migscope::tools
