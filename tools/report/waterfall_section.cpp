#include "tools/report/cells.h"
#include "tools/report/sections.h"

#include <algorithm>
#include <fmt/format.h>

namespace migscope::tools {

using namespace analyzer;

namespace {

// Rounding leaves gaps of less.
constexpr double kGapMs = 0.001;

void add_gap(Waterfall& out, double from, double to) {
  if (to - from > kGapMs)
    out.bars.push_back({"unexplained", "unexplained", from, to - from,
                        "nothing that was recorded tells"});
}

} // namespace

Waterfall waterfall(const Downtime& downtime) {
  Waterfall out;
  out.total_ms = downtime.total_ms;
  double at = 0;
  for (const Phase& phase : downtime.phases) {
    add_gap(out, at, phase.start_ms);
    out.bars.push_back({phase.name, to_string(phase.side), phase.start_ms,
                        phase.duration_ms, phase.evidence});
    at = std::max(at, phase.start_ms + phase.duration_ms);
  }
  if (downtime.total_ms)
    add_gap(out, at, *downtime.total_ms);
  return out;
}

Section waterfall_section(const Analysis& analysis) {
  Section out{"downtime", "The pause, piece by piece", "", "", {}, {}};
  const Downtime& downtime = analysis.downtime;
  Waterfall pieces = waterfall(downtime);
  if (pieces.bars.empty()) {
    out.lead = "There is no pause to lay out: it needs the source's STOP, and "
               "what bounds its pieces.";
    return out;
  }
  out.chart = "waterfall";
  out.lead =
      downtime.total_ms
          ? "From the source's STOP (0 ms) to the destination's RESUME."
          : "From the source's STOP (0 ms); where it ended is not known.";
  DataTable table{"Pieces of the pause",
                  {{"piece", false},
                   {"at", false},
                   {"start ms"},
                   {"ms"},
                   {"known by: its beginning; its end", false, true}},
                  {}};
  for (const PauseBar& piece : pieces.bars)
    table.rows.push_back({word(piece.name), word(piece.side),
                          decimal(piece.start_ms, 3),
                          decimal(piece.duration_ms, 3), word(piece.evidence)});
  for (const std::string& note :
       {downtime.difference, downtime.guest_difference})
    if (!note.empty())
      table.note += (table.note.empty() ? "" : " · ") + note;
  out.tables.push_back(std::move(table));
  return out;
}

} // namespace migscope::tools
